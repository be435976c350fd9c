"""When a message is sent again."""

import pytest

from rushes.webhooks.attempt import Attempt
from rushes.webhooks.retry_policy import DELAYS, next_delay, succeeded
from tests.unit.webhooks.harness import DAY, START

OH = Attempt(at=START, status_code=500)


def test_ten_attempts_in_a_little_more_than_three_days():
    assert len(DELAYS) == 10
    assert sum(DELAYS) == 75 * 3600 + 35 * 60 + 5


@pytest.mark.parametrize("tries", range(1, 10))
@pytest.mark.parametrize(("dice", "part"), [(0.0, 0.8), (0.5, 1.0), (0.999999, 1.2)])
def test_a_fifth_more_or_less(tries: int, dice: float, part: float):
    delay = next_delay(tries, OH, None, START, dice)
    assert delay == pytest.approx(DELAYS[tries] * part, rel=1e-5)


def test_nothing_comes_after_the_tenth():
    assert next_delay(10, OH, "5", START, 0.5) is None


@pytest.mark.parametrize(
    ("attempt", "least"),
    [
        (Attempt(at=START, status_code=429), 60.0),
        (Attempt(at=START, error="timeout"), 60.0),
        (Attempt(at=START, error="refused"), 5.0),
        (Attempt(at=START, status_code=503), 5.0),
    ],
)
def test_who_is_overwhelmed_gets_a_minute(attempt: Attempt, least: float):
    assert next_delay(1, attempt, None, START, 0.5) == least


@pytest.mark.parametrize(
    ("asked", "delay"),
    [
        ("90", 90.0),
        (" 90 ", 90.0),
        ("0", 5.0),
        ("1", 5.0),
        ("86401", DAY),
        ("9" * 400, DAY),
        ("-5", 5.0),
        ("1.5", 5.0),
        ("٣٠٠", 300.0),
        ("soon", 5.0),
        ("", 5.0),
        (None, 5.0),
        ("Fri, 15 Jan 2027 08:10:00 GMT", 600.0),
        ("Fri, 15 Jan 1999 08:10:00 GMT", 5.0),
        ("Fri, 15 Jan 9999 08:10:00 GMT", DAY),
        ("Fri, 99 Jan 2027 08:10:00 GMT", 5.0),
    ],
)
def test_a_receiver_can_ask_for_more_time_but_not_for_less(asked: str | None, delay: float):
    assert next_delay(1, OH, asked, START, 0.5) == pytest.approx(delay)


@pytest.mark.parametrize(("status", "good"), [(199, False), (200, True), (299, True), (300, False)])
def test_only_2xx_is_a_success(status: int, good: bool):  # noqa: FBT001 - as pytest has it
    assert succeeded(Attempt(at=START, status_code=status)) is good
    assert not succeeded(Attempt(at=START, error="timeout"))
