"""Parse header values of HTTP peers: Retry-After, HTTP dates and Content-Length.

A peer may send anything: a value that cannot be used is None, never an exception.
"""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = 24 * 3600.0
"""Seconds. A longer `Retry-After` counts as this."""
MAX_DATE_CHARACTERS = 64
_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")


def parse_retry_after(value: str | None, now: float | None) -> float | None:
    """Return the seconds of `Retry-After`, a number or a date (RFC 9110, 10.2.3).

    `now` is the time that a date is compared with, in seconds since 1970. The result is from 0 to
    `MAX_RETRY_AFTER`.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):  # float() has no limit of digits: beyond its range it is infinite
        return min(float(text), MAX_RETRY_AFTER)
    date = parse_http_date(text)
    if date is None or now is None:
        return None
    return min(max(date - now, 0.0), MAX_RETRY_AFTER)


def parse_http_date(value: str | None) -> float | None:
    """Return the seconds since 1970; a date without a time zone is in UTC, as asctime's is."""
    text = (value or "").strip()
    if not text.isascii() or len(text) > MAX_DATE_CHARACTERS:
        return None
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def parse_content_length(value: str | None) -> int | None:
    text = (value or "").strip()
    return int(text) if _LENGTH.fullmatch(text) else None
