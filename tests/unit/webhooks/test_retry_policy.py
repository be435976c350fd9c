"""Tests of the retry schedule and `Retry-After`."""

from typing import Any

import pytest

from rushes.webhooks.attempt import DeliveryAttempt
from rushes.webhooks.retry_policy import RETRY_DELAYS, next_delay, succeeded
from tests.unit.webhooks.harness import DAY, START

FAILED = DeliveryAttempt(at=START, status_code=500)


def test_retry_delays_are_ten_within_76_hours():
    assert len(RETRY_DELAYS) == 10
    assert sum(RETRY_DELAYS) == 75 * 3600 + 35 * 60 + 5


@pytest.mark.parametrize("attempts", range(1, 10))
@pytest.mark.parametrize(("jitter", "part"), [(0.0, 0.8), (0.5, 1.0), (0.999999, 1.2)])
def test_next_delay_has_20_percent_jitter(attempts: int, jitter: float, part: float):
    delay = next_delay(attempts, FAILED, None, START, jitter)
    assert delay == pytest.approx(RETRY_DELAYS[attempts] * part, rel=1e-5)


def test_next_delay_is_none_after_the_tenth_attempt():
    assert next_delay(10, FAILED, "5", START, 0.5) is None


@pytest.mark.parametrize(
    ("result", "least"),
    [({"status_code": 429}, 60.0), ({"error": "timeout"}, 60.0),
     ({"error": "refused"}, 5.0), ({"status_code": 503}, 5.0)],
)  # fmt: skip
def test_next_delay_is_a_minute_after_429_or_timeout(result: dict[str, Any], least: float):
    assert next_delay(1, DeliveryAttempt(at=START, **result), None, START, 0.5) == least


RETRY_AFTER_BY_DELAY: dict[float, list[str | None]] = {
    5.0: [
        *("0", "1", "-5", "1.5", "soon", "", None),
        *("Fri, 15 Jan 1999 08:10:00 GMT", "Fri, 99 Jan 2027 08:10:00 GMT"),
        *("٣٠٠", "²", "1e9", "inf", "Fri, 15 Jan 99999999999999999999 08:10:00 GMT"),
    ],
    90.0: ["90", " 90 "],
    600.0: ["Fri, 15 Jan 2027 08:10:00 GMT", "Fri Jan 15 08:10:00 2027"],
    DAY: ["86401", "9" * 400, "Fri, 15 Jan 9999 08:10:00 GMT"],
}


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [(value, delay) for delay, values in RETRY_AFTER_BY_DELAY.items() for value in values],
)
def test_retry_after_can_only_lengthen_the_delay(retry_after: str | None, delay: float):
    assert next_delay(1, FAILED, retry_after, START, 0.5) == pytest.approx(delay)


@pytest.mark.parametrize(("status", "good"), [(199, False), (200, True), (299, True), (300, False)])
def test_succeeded_accepts_2xx_only(status: int, good: bool):  # noqa: FBT001 - a parameter of pytest
    assert succeeded(DeliveryAttempt(at=START, status_code=status)) is good
    assert not succeeded(DeliveryAttempt(at=START, error="timeout"))
