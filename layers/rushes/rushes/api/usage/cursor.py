"""Position in a report that takes several calls."""

import base64
import json
from dataclasses import dataclass

from rushes.api.usage.period import Period
from rushes.errors import UnknownCursor
from rushes.json_parser import parse_json

MAX_CHARACTERS = 500
MAX_VALUES = 10
MAX_MOMENT = 253_402_214_400.0
"""9999-12-31; a client may write a cursor of its own report."""


@dataclass(frozen=True)
class Position:
    """The last job that was added: the report continues after it, in its account.

    Without a job it continues with the account. The period is that of the first call.
    """

    period: Period
    account: str = ""
    job_id: str = ""
    at: float = 0.0


def write_cursor(position: Position, digest: str) -> str:
    period = position.period
    values = [digest, period.since, period.until, position.account, position.job_id, position.at]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def read_cursor(cursor: str, digest: str) -> Position:
    """Return the position of a cursor of the same report.

    Raises
    ------
    UnknownCursor
        If it is invalid, or of another report or account.
    """
    try:
        given, position = _decoded(cursor[: MAX_CHARACTERS + 1])
    except (ValueError, TypeError, OverflowError):
        given, position = "", None
    if position is None or given != digest:
        raise UnknownCursor("cursor: unknown cursor of this report", param="cursor")
    return position


def _decoded(cursor: str) -> tuple[str, Position]:
    padding = "=" * (-len(cursor) % 4)
    text = base64.b64decode(cursor + padding, altchars=b"-_", validate=True)
    given, since, until, account, job_id, at = parse_json(text, MAX_VALUES, allow_inf_nan=False)
    moments = [float(moment) for moment in (since, until, at)]
    if not all(0 <= moment <= MAX_MOMENT for moment in moments):
        raise ValueError("a time is out of range")
    period = Period(*moments[:2])
    return str(given), Position(period, str(account), str(job_id), moments[2])
