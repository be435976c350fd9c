"""Retry schedule, `Retry-After` and the rules that disable an endpoint. Pure functions."""

from rushes.header_values import parse_retry_after
from rushes.webhooks.attempt import DeliveryAttempt

RETRY_DELAYS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before each attempt, counted from the previous one: ten attempts within 76 hours."""
JITTER = 0.2
"""Relative spread of each delay, so that messages that failed together retry apart."""
MIN_THROTTLED_DELAY = 60.0
"""Seconds after a 429 or a timeout."""
DISABLE_AFTER = 120 * 3600.0
"""Seconds of uninterrupted failures after which the endpoint is disabled."""
GONE = 410
"""Status code that disables the endpoint at once."""


def succeeded(attempt: DeliveryAttempt) -> bool:
    """Only 2xx is a success; redirects are not followed."""
    return attempt.status_code is not None and 200 <= attempt.status_code < 300


def timed_out(attempt: DeliveryAttempt) -> bool:
    return attempt.error == "timeout"


def next_delay(
    attempts: int, attempt: DeliveryAttempt, retry_after: str | None, now: float, jitter: float
) -> float | None:
    """Return the seconds until the next attempt, or None after the last one.

    `attempts` counts the scheduled attempts so far; `0 <= jitter < 1`. `Retry-After` can only
    lengthen the delay: otherwise a receiver could use up all ten attempts in ten seconds.
    """
    if attempts >= len(RETRY_DELAYS):
        return None
    planned = RETRY_DELAYS[attempts] * (1 + JITTER * (2 * jitter - 1))
    return max(planned, min_delay(attempt, retry_after, now))


def min_delay(attempt: DeliveryAttempt, retry_after: str | None, now: float) -> float:
    """Return the minimum delay after this attempt, regardless of the schedule."""
    throttled = attempt.status_code == 429 or timed_out(attempt)
    return max(_parse_retry_after(retry_after, now), MIN_THROTTLED_DELAY if throttled else 0.0)


def _parse_retry_after(value: str | None, now: float) -> float:
    """Read seconds or an HTTP date, at least 1; an invalid value counts as 0."""
    seconds = parse_retry_after(value, now)
    return 0.0 if seconds is None else max(seconds, 1.0)
