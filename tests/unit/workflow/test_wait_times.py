"""How long it is waited, and what that comes to over an hour."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.ports import Timing
from rushes.workflow import wait_times
from tests.harness import Harness

HOUR = 3600.0
EVENTS_PER_POLL, OTHER_EVENTS, EVENTS_ALLOWED = 9, 25, 1_500

anything = st.floats(allow_nan=True, allow_infinity=True)


def taught(*seconds: float) -> Timing:
    timing = Timing()
    for each in seconds:
        timing = wait_times.learned(timing, each)
    return timing


def run_once(timing: Timing, true_seconds: float) -> tuple[float, Timing]:
    """One job from submission to its end as seen, and what was learned from it."""
    age: float = wait_times.first_wait(timing, 60)
    first = age
    while age < true_seconds:
        age += wait_times.next_wait(age, None, 1.0)
    return first, wait_times.learned(timing, age)


def test_jobs_of_a_kind_share_provider_model_length_and_size() -> None:
    job = Harness().accepted(seconds=8, size="720x1280")
    assert wait_times.timing_key(job) == "sandbox/one-at-home/8s/720x1280"


@pytest.mark.parametrize("asked", [None, 0.0, 1.0])
def test_an_hour_stays_within_the_history_we_allow_ourselves(asked: float | None) -> None:
    """Whether the provider is silent or wants to be asked every second."""
    age, polls = float(wait_times.first_wait(Timing(), 1.0)), 0
    while age < HOUR:
        polls += 1
        age += wait_times.next_wait(age, asked, 1.0)
    assert polls * EVENTS_PER_POLL + OTHER_EVENTS <= EVENTS_ALLOWED


def test_looks_are_never_much_later_than_the_job_is_old() -> None:
    waits = [wait_times.next_wait(age, None, 1.0) for age in range(86_400)]
    assert all(wait <= max(0.12 * age + 1, 1) for age, wait in enumerate(waits))
    assert waits == sorted(waits)
    assert (waits[0], waits[1500], waits[3600], waits[-1]) == (1, 30, 72, 300)


@pytest.mark.parametrize(
    ("asked", "wait"), [(0.0, 1), (2.1, 3), (45.0, 45), (9000.0, 300), (math.inf, 300)]
)
def test_what_the_provider_asks_for_goes_before_our_own_steps(asked: float, wait: int) -> None:
    assert wait_times.next_wait(5.0, asked, 1.0) == wait
    assert wait_times.retry_wait(3, asked) == wait


def test_a_provider_that_bears_few_polls_gets_few() -> None:
    assert wait_times.next_wait(1.0, None, 10.0) == 10


def test_tries_are_spaced_ever_wider_up_to_a_minute() -> None:
    assert [wait_times.retry_wait(tries, None) for tries in range(1, 9)] == [
        2, 4, 8, 16, 32, 60, 60, 60,
    ]  # fmt: skip


@given(seconds=anything, longest=st.floats(min_value=1.0, max_value=1e6))
def test_a_wait_is_always_a_whole_number_within_bounds(seconds: float, longest: float) -> None:
    """Even `Retry-After: nan` is a wait that Step Functions takes."""
    wait = wait_times.whole(seconds, longest)
    assert isinstance(wait, int)
    assert 1 <= wait <= math.ceil(longest)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_until_three_jobs_have_taught_the_catalog_is_believed(count: int) -> None:
    timing = taught(*[500.0] * count)
    assert wait_times.first_wait(timing, 20.0) == 10
    assert wait_times.first_wait(timing, 600.0) == 30


def test_the_first_look_comes_when_one_job_in_twenty_has_ended() -> None:
    timing = Timing(count=10, mean=math.log(100.0), variance=0.25)
    assert wait_times.first_wait(timing, 1.0) == math.ceil(100.0 * math.exp(-1.645 * 0.5))


def test_no_first_wait_is_longer_than_five_minutes() -> None:
    assert wait_times.first_wait(taught(*[7200.0] * 5), 1.0) == 300


def test_the_first_three_jobs_teach_their_plain_mean() -> None:
    timing = taught(10.0, 1000.0)
    assert timing.count == 2
    assert math.exp(timing.mean) == pytest.approx(100.0)
    assert timing.variance == pytest.approx(math.log(10.0) ** 2)


@given(st.lists(st.floats(min_value=-1.0, max_value=1e6), max_size=60))
def test_whatever_is_learned_the_first_wait_is_sound(seconds: list[float]) -> None:
    timing = taught(*seconds)
    assert timing.count == len(seconds)
    assert timing.variance >= 0
    assert 1 <= wait_times.first_wait(timing, 60.0) <= 300


@pytest.mark.parametrize("true_seconds", [5.0, 40.0, 200.0])
def test_the_first_wait_converges_to_a_little_less_than_jobs_take(true_seconds: float) -> None:
    first, timing = 0.0, Timing()
    for _ in range(80):
        first, timing = run_once(timing, true_seconds)
    assert 0.7 * true_seconds <= first <= 1.1 * true_seconds


def test_the_first_wait_recovers_when_jobs_have_become_ten_times_faster() -> None:
    """Though none is ever seen to end before it: what was done at the first look counts half."""
    timing = taught(*[200.0] * 20)
    firsts: list[float] = []
    while not firsts or firsts[-1] > 20.0:
        first, timing = run_once(timing, 20.0)
        firsts.append(first)
    assert firsts[0] > 150
    assert len(firsts) <= 20
