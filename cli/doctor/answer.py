"""Answer of a check: pass, fail or cannot tell, with the reason and the fix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cli.doctor.deployment import Deployment

MAX_LISTED = 5
"""Names in one reason."""


class Status(StrEnum):
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Answer:
    status: Status
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class Check:
    """`not_local` is the reason for which the local stack has no answer."""

    name: str
    run: Callable[[Deployment], Answer]
    not_local: str = ""


def passed(reason: str) -> Answer:
    return Answer(Status.PASS, reason)


def failed(reason: str, fix: str) -> Answer:
    return Answer(Status.FAIL, reason, fix)


def unknown(reason: str, fix: str = "") -> Answer:
    return Answer(Status.UNKNOWN, reason, fix)


def all_hold(problems: Sequence[str], good: str, fix: str) -> Answer:
    """Pass without problems; else fail and list them."""
    return failed(listed(problems), fix) if problems else passed(good)


def listed(names: Sequence[str]) -> str:
    rest = len(names) - MAX_LISTED
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(names[:MAX_LISTED]) + more
