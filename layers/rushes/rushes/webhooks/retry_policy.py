"""When a message is sent again. Pure: the moment and the dice are the caller's."""

from email.utils import parsedate_to_datetime

from rushes.webhooks.attempt import Attempt

DELAYS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before each attempt, from the one before: ten within 76 hours."""
JITTER = 0.2
"""Delays differ by so much either way: what failed together does not come back together."""
THROTTLED_SECONDS = 60.0
"""The least after an answer that asks for less, or after none in time."""
LONGEST_PATIENCE = 24 * 3600.0
"""More than that no receiver is listened to."""
DISABLED_AFTER = 120 * 3600.0
"""Seconds of nothing but failures, with no long silence, after which an endpoint is left alone."""
GONE = 410
"""The answer that wants nothing more, ever."""


def succeeded(attempt: Attempt) -> bool:
    """Only 2xx: a redirect is not followed, and not believed."""
    return attempt.status_code is not None and 200 <= attempt.status_code < 300


def timed_out(attempt: Attempt) -> bool:
    return attempt.error == "timeout"


def next_delay(
    tries: int, attempt: Attempt, retry_after: str | None, now: float, dice: float
) -> float | None:
    """Seconds until the next attempt after `tries` of them; None where there is none.

    `dice` is at least 0 and less than 1. A receiver's `Retry-After` can only lengthen the wait:
    ten attempts in ten seconds would help nobody.
    """
    if tries >= len(DELAYS):
        return None
    planned = DELAYS[tries] * (1 + JITTER * (2 * dice - 1))
    return max(planned, least_delay(attempt, retry_after, now))


def least_delay(attempt: Attempt, retry_after: str | None, now: float) -> float:
    """Seconds that its receiver has to be given after such an attempt, whatever was planned."""
    throttled = attempt.status_code == 429 or timed_out(attempt)
    return max(_asked_for(retry_after, now), THROTTLED_SECONDS if throttled else 0.0)


def _asked_for(retry_after: str | None, now: float) -> float:
    """Seconds, from a number or a date; nonsense asks for nothing."""
    if not retry_after:
        return 0.0
    try:
        seconds = (
            float(retry_after)
            if retry_after.strip().isdecimal()
            else parsedate_to_datetime(retry_after).timestamp() - now
        )
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 1.0), LONGEST_PATIENCE)
