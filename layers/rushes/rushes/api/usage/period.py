"""Range of time of a report: from a UTC day or time up to another one, which is excluded."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from rushes.errors import InvalidRequest
from rushes.jobs.charges import MONTH, begins_at, period_of, resets_at

MONTH_TEXT = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
DAY_TEXT = re.compile(r"\d{4}-\d\d-\d\d")
MAX_DAYS = 400
"""For which summaries of jobs are stored."""
MIN_YEAR, MAX_YEAR = 1971, 9998
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Period:
    """Jobs accepted at `since` or later, and before `until`; seconds since 1970."""

    since: float
    until: float

    def contains(self, moment: float) -> bool:
        return self.since <= moment < self.until


def month_of(text: str, param: str = "month") -> Period:
    """Read a month such as `2026-11`.

    Raises
    ------
    InvalidRequest
    """
    if not MONTH_TEXT.fullmatch(text) or not MIN_YEAR <= int(text[:4]) <= MAX_YEAR:
        raise InvalidRequest(f"{param} must be a month, YYYY-MM (got {text[:40]!r})", param=param)
    return Period(begins_at(text), resets_at(text))


def period_between(begin: str | None, end: str | None, now: float) -> Period:
    """Read the begin and the end; by default the current month until now.

    Raises
    ------
    InvalidRequest
    """
    until = _moment(end, "to") if end else now
    since = _moment(begin, "from") if begin else begins_at(period_of(until, MONTH))
    if since >= until:
        raise InvalidRequest(
            f"from must be before to (got {_text(since)} and {_text(until)})", param="from"
        )
    if until - since > MAX_DAYS * DAY_SECONDS:
        raise InvalidRequest(
            f"from must be at most {MAX_DAYS} days before to"
            f" (got {_text(since)} and {_text(until)})",
            param="from",
        )
    return Period(since, until)


def _moment(text: str, param: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found and DAY_TEXT.fullmatch(text):
        found = found.replace(tzinfo=UTC)
    if found is None or found.tzinfo is None or not MIN_YEAR <= found.year <= MAX_YEAR:
        raise InvalidRequest(
            f"{param} must be a day, YYYY-MM-DD, or a time in ISO 8601 with a time zone"
            f" (got {text[:40]!r})",
            param=param,
        )
    return found.timestamp()


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
