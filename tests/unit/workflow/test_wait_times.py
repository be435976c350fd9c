"""Poll and retry delays, and their sum over an hour."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.ports.providers import Timing
from rushes.workflow import wait_times
from tests.harness import Harness

HOUR = 3600.0
EVENTS_PER_POLL, OTHER_EVENTS, EVENTS_ALLOWED = 9, 25, 1_500

anything = st.floats(allow_nan=True, allow_infinity=True)


def timing_of(*seconds: float) -> Timing:
    timing = Timing()
    for duration in seconds:
        timing = wait_times.record_duration(timing, duration)
    return timing


def run_once(timing: Timing, true_seconds: float) -> tuple[float, Timing]:
    """Poll one job until it is done; return the first delay and the updated timing."""
    age: float = wait_times.first_poll_delay(timing, 60)
    first = age
    while age < true_seconds:
        age += wait_times.next_poll_delay(age, None, 1.0)
    return first, wait_times.record_duration(timing, age)


def test_timing_key_contains_provider_model_seconds_and_size() -> None:
    job = Harness().accepted(seconds=8, size="720x1280")
    assert wait_times.timing_key(job) == "sandbox/one-at-home/8s/720x1280"


@pytest.mark.parametrize("requested", [None, 0.0, 1.0])
def test_polls_of_an_hour_fit_into_the_history(requested: float | None) -> None:
    """With and without a requested delay of one second."""
    age, polls = float(wait_times.first_poll_delay(Timing(), 1.0)), 0
    while age < HOUR:
        polls += 1
        age += wait_times.next_poll_delay(age, requested, 1.0)
    assert polls * EVENTS_PER_POLL + OTHER_EVENTS <= EVENTS_ALLOWED


def test_next_poll_delay_is_proportional_to_age() -> None:
    waits = [wait_times.next_poll_delay(age, None, 1.0) for age in range(86_400)]
    assert all(wait <= max(0.12 * age + 1, 1) for age, wait in enumerate(waits))
    assert waits == sorted(waits)
    assert (waits[0], waits[1500], waits[3600], waits[-1]) == (1, 30, 72, 300)


@pytest.mark.parametrize(
    ("requested", "wait"), [(0.0, 1), (2.1, 3), (45.0, 45), (9000.0, 300), (math.inf, 300)]
)
def test_requested_delay_takes_precedence(requested: float, wait: int) -> None:
    assert wait_times.next_poll_delay(5.0, requested, 1.0) == wait
    assert wait_times.retry_delay(3, requested) == wait


def test_next_poll_delay_respects_minimum() -> None:
    assert wait_times.next_poll_delay(1.0, None, 10.0) == 10


def test_retry_delay_doubles_up_to_a_minute() -> None:
    delays = [wait_times.retry_delay(tries, None) for tries in range(1, 9)]
    assert delays == [2, 4, 8, 16, 32, 60, 60, 60]


@given(seconds=anything, longest=st.floats(min_value=1.0, max_value=1e6))
def test_whole_seconds_stays_within_bounds(seconds: float, longest: float) -> None:
    """`Retry-After: nan` becomes a delay that Step Functions accepts."""
    wait = wait_times.whole_seconds(seconds, longest)
    assert isinstance(wait, int)
    assert 1 <= wait <= math.ceil(longest)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_first_poll_delay_uses_catalog_below_three_samples(count: int) -> None:
    timing = timing_of(*[500.0] * count)
    assert wait_times.first_poll_delay(timing, 20.0) == 10
    assert wait_times.first_poll_delay(timing, 600.0) == 30


def test_first_poll_delay_is_fifth_percentile() -> None:
    timing = Timing(count=10, mean=math.log(100.0), variance=0.25)
    assert wait_times.first_poll_delay(timing, 1.0) == math.ceil(100.0 * math.exp(-1.645 * 0.5))


def test_first_poll_delay_is_at_most_five_minutes() -> None:
    assert wait_times.first_poll_delay(timing_of(*[7200.0] * 5), 1.0) == 300


def test_record_duration_starts_with_plain_mean() -> None:
    timing = timing_of(10.0, 1000.0)
    assert timing.count == 2
    assert math.exp(timing.mean) == pytest.approx(100.0)
    assert timing.variance == pytest.approx(math.log(10.0) ** 2)


@given(st.lists(st.floats(min_value=-1.0, max_value=1e6), max_size=60))
def test_first_poll_delay_stays_within_bounds(seconds: list[float]) -> None:
    timing = timing_of(*seconds)
    assert timing.count == len(seconds)
    assert timing.variance >= 0
    assert 1 <= wait_times.first_poll_delay(timing, 60.0) <= 300


@pytest.mark.parametrize("true_seconds", [5.0, 40.0, 200.0])
def test_first_poll_delay_converges_below_duration(true_seconds: float) -> None:
    first, timing = 0.0, Timing()
    for _ in range(80):
        first, timing = run_once(timing, true_seconds)
    assert 0.7 * true_seconds <= first <= 1.1 * true_seconds


def test_first_poll_delay_recovers_from_faster_jobs() -> None:
    """A job done at the first poll is recorded with half its duration."""
    timing = timing_of(*[200.0] * 20)
    firsts: list[float] = []
    while not firsts or firsts[-1] > 20.0:
        first, timing = run_once(timing, 20.0)
        firsts.append(first)
    assert firsts[0] > 150
    assert len(firsts) <= 20
