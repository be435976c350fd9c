"""Reading what providers answer: refusals, waiting times and JSON bodies."""

from email.utils import parsedate_to_datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from rushes.errors import (
    UnknownUpstreamStatus,
    UpstreamError,
    UpstreamJobNotFound,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.jobs.result import JobError
from rushes.ports import HttpReply

EXCERPT = 300
"""Characters of a provider's own words that we keep."""
CODE_EXCERPT = 80
"""The same, of its codes and statuses."""

CONTENT_FILTERS = frozenset(
    {"content_filter", "content_filtered", "content_policy_violation", "moderation_blocked"}
)

Body = TypeVar("Body", bound=BaseModel)


class Reply(BaseModel):
    """Base of what we read of a reply: only the fields used, whatever else there is."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _Error(Reply):
    message: str | None = None
    code: str | int | None = None
    type: str | None = None


class _Fault(Reply):
    """One field of a call that will not do, as FastAPI tells it."""

    msg: str = ""
    loc: tuple[str | int, ...] = ()
    type: str | None = None


class _ErrorBody(Reply):
    error: _Error | str | None = None
    message: str | None = None
    code: str | int | None = None
    detail: str | list[_Fault] | None = None


def read(reply: HttpReply, shape: type[Body]) -> Body:
    """The body as `shape`.

    Raises
    ------
    UpstreamConfused
        If it is not that, naming what does not fit.
    """
    try:
        return shape.model_validate_json(reply.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise UpstreamProtocolError(
            f"the provider's answer ({reply.status}) makes no sense: {place}: {first['msg']}"
        ) from error


def check_created(reply: HttpReply) -> None:
    """Let a success pass; say of anything else whether something may have been created.

    4xx proves that nothing was. 408 and 5xx prove nothing: a gateway in between may have given up
    on a provider that is rendering already.
    """
    if reply.status == 408 or reply.status >= 500:
        raise UpstreamNoResponse(f"the provider answered {reply.status} to the create call")
    _check(reply)


def check_answered(reply: HttpReply) -> None:
    """Let a success pass, for calls that may be repeated freely."""
    if reply.status in (408, 425) or reply.status >= 500:
        raise UpstreamThrottled(
            f"the provider answered {reply.status}", wait_seconds=retry_after(reply)
        )
    if reply.status in (404, 410):
        raise UpstreamJobNotFound("the provider knows no such job")
    _check(reply)


def _check(reply: HttpReply) -> None:
    if reply.status == 429:
        raise UpstreamThrottled("the provider asks for patience", wait_seconds=retry_after(reply))
    if reply.status >= 300:
        raise _refusal(reply)


def _refusal(reply: HttpReply) -> UpstreamError:
    message, code = own_words(reply)
    if reply.status == 401:  # its words are about our key, and some quote it
        return UpstreamRefused(
            "the provider refused our key", code="upstream_unauthorized", key_refused=True
        )
    if reply.status == 403:
        return UpstreamRefused(
            f"the provider refused our key: {message}", code="upstream_unauthorized"
        )
    if code in CONTENT_FILTERS:
        return UpstreamRefused(message, code="content_filtered", upstream_code=code)
    return UpstreamRefused(
        f"the provider refused ({reply.status}): {message}", upstream_code=code or None
    )


def own_words(reply: HttpReply) -> tuple[str, str]:
    """The message and the code of a refusal, each as far as there is one."""
    try:
        body = _ErrorBody.model_validate_json(reply.body)
    except ValidationError:
        return reply.body[:EXCERPT].decode("utf-8", "replace"), ""
    if isinstance(body.error, _Error):
        code = str(body.error.code or body.error.type or "")
        return (body.error.message or "")[:EXCERPT], code[:CODE_EXCERPT]
    if isinstance(body.detail, list):
        return _told(body.detail)
    code = str(body.code or reply.headers.get("x-fal-error-type") or "")
    return (body.error or body.message or body.detail or "")[:EXCERPT], code[:CODE_EXCERPT]


def _told(faults: list[_Fault]) -> tuple[str, str]:
    places = (".".join(str(step) for step in fault.loc if step != "body") for fault in faults)
    lines = (f"{place}: {fault.msg}" for place, fault in zip(places, faults, strict=True))
    code = next((fault.type for fault in faults if fault.type), "")
    return "; ".join(line.removeprefix(": ") for line in lines)[:EXCERPT], code[:CODE_EXCERPT]


def failure(code: str | None, message: str | None) -> JobError:
    """A generation that failed at the provider, in its own words, under our code for it."""
    ours = "content_filtered" if code in CONTENT_FILTERS else "upstream_failed"
    return JobError(
        code=ours,
        message=(message or "the provider gave no reason")[:EXCERPT],
        upstream_code=code[:CODE_EXCERPT] if code else None,
    )


def unknown_status(status: str) -> UnknownUpstreamStatus:
    shown = status[:CODE_EXCERPT]
    return UnknownUpstreamStatus(f"the provider reports a status {shown!r} that we do not know")


def retry_after(reply: HttpReply) -> float | None:
    """Seconds that the provider asked to wait for, by `Retry-After` in either of its forms."""
    value = reply.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdecimal():
        return float(value)
    return _until(value, reply.headers.get("date", ""))


def _until(moment: str, now: str) -> float | None:
    try:
        distance = parsedate_to_datetime(moment) - parsedate_to_datetime(now)
    except (TypeError, ValueError):
        return None
    return max(distance.total_seconds(), 0.0)
