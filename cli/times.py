"""Times that commands read."""

import re
from datetime import UTC, datetime, timedelta

from cli.errors import CommandError

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
MIN_YEAR, MAX_YEAR = 1971, 9998
"""Between which every time zone's times are valid, and later than 1970."""
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
PAST = "a UTC day, a time with a time zone, or 30m, 2h, 7d ago"
"""What `past_time` reads, for the help of an option."""


def duration(text: str) -> timedelta | None:
    """Read `30m`, `2h` or `7d`."""
    found = DURATION.fullmatch(text)
    return int(found[1]) * UNITS[found[2]] if found else None


def past_time(text: str, option: str) -> datetime:
    """Read a UTC day, a time with its time zone, or a duration before now.

    Raises
    ------
    CommandError
    """
    if ago := duration(text):
        return max(datetime.now(UTC) - ago, datetime(MIN_YEAR, 1, 1, tzinfo=UTC))
    return utc_time(text, option, "or 30m, 2h, 7d ago")


def utc_time(text: str, option: str, others: str) -> datetime:
    """Read a UTC day, or a time with its time zone; `others` is what else the option accepts.

    Raises
    ------
    CommandError
    """
    try:
        found = datetime.fromisoformat(f"{text}T00:00:00Z" if DAY.fullmatch(text) else text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not MIN_YEAR <= found.year <= MAX_YEAR:
        raise CommandError(
            f"{option} must be a UTC day such as 2026-11-29, a time with a time zone such as"
            f" 2026-11-29T08:00:00Z, {others} (got {text[:40]!r})"
        )
    return found.astimezone(UTC)
