"""Times in responses and events. Stored ones are seconds since 1970."""

from datetime import UTC, datetime


def utc_time(seconds: float) -> datetime:
    """Return a time in UTC, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def utc_text(seconds: float) -> str:
    """Return a time in UTC as a text, to the second: `2026-11-29T08:00:00Z`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
