"""Parse provider replies: HTTP errors, `Retry-After`, progress and JSON bodies."""

from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from rushes.errors import (
    UnknownUpstreamStatus,
    UpstreamError,
    UpstreamJobNotFound,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.header_values import parse_http_date, parse_retry_after
from rushes.jobs.result import FILTERED, JobError
from rushes.json_parser import MAX_REPLY_VALUES, parse_json
from rushes.ports.http import HttpReply
from rushes.providers.error_fields import field_errors
from rushes.providers.error_meaning import GENERAL, matches
from rushes.providers.states import FILTERED_WORDS, plain
from rushes.providers.values import number

MAX_MESSAGE = 300
"""Characters of a provider's error message that are stored."""
MAX_CODE = 80
"""The same for its error codes and statuses."""
NO_REASON = "the provider gave no reason"

MAY_PASS = frozenset({401, 402, 403, 404, 408, 409, 410, 425, 429})
"""Statuses of a request for a result that another request later may not have."""

MAX_LIST = 1000
"""Members of a list that a reply schema reads."""

Body = TypeVar("Body", bound=BaseModel)
Member = TypeVar("Member")
Members = Annotated[tuple[Member, ...], Field(max_length=MAX_LIST, fail_fast=True)]
"""A list; the first invalid or excess member ends its validation."""


class Reply(BaseModel):
    """Base of reply schemas: unused fields are ignored; NaN and infinity are invalid.

    A number is accepted as text: some providers send ids as numbers.
    """

    model_config = ConfigDict(
        extra="ignore", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )


class ErrorObject(Reply):
    message: str | None = None
    code: str | int | None = None


def _none_if_invalid(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return validate(value)
    except ValidationError:
        return None


JobId = Annotated[str, Field(min_length=1, max_length=200)]
"""The provider's id of a job."""
NumberOrNone = Annotated[float | None, BeforeValidator(number)]
"""An informative number; anything else is None, because it must not cost the job its result."""
ErrorOrNone = Annotated[ErrorObject | str | None, WrapValidator(_none_if_invalid)]
"""An error next to a status, which alone decides."""


class _Error(ErrorObject):
    type: str | None = None


class _FieldError(Reply):
    """Validation error of one field, in FastAPI's format."""

    type: str | None = None


class _ErrorBody(Reply):
    error: Annotated[_Error | str | None, WrapValidator(_none_if_invalid)] = None
    message: Annotated[str | None, WrapValidator(_none_if_invalid)] = None
    code: Annotated[str | int | None, WrapValidator(_none_if_invalid)] = None
    detail: Annotated[str | Members[_FieldError] | None, WrapValidator(_none_if_invalid)] = None


def read(reply: HttpReply, schema: type[Body]) -> Body:
    """Parse the JSON body as `schema`.

    Raises
    ------
    UpstreamProtocolError
        If the body does not match; the message names the first invalid field.
    """
    try:
        return schema.model_validate(parse_json(reply.body, MAX_REPLY_VALUES))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"]) or "body"
        raise UpstreamProtocolError(
            f"invalid response from the provider ({reply.status}): {path}: {first['msg']}"
        ) from error
    except ValueError as error:
        raise UpstreamProtocolError(
            f"invalid response from the provider ({reply.status}): body: {error}"
        ) from error


def raise_for_create_status(reply: HttpReply) -> None:
    """Raise for an HTTP error of a create call, by whether a job may have been created.

    4xx proves that none was. 408 and 5xx do not: a gateway may time out while the provider renders.
    """
    if reply.status == 408 or reply.status >= 500:
        raise UpstreamNoResponse(f"the provider returned {reply.status} for the create call")
    _raise_for_refusal(reply)


def raise_for_status(reply: HttpReply) -> None:
    """Raise for an HTTP error of a request that is safe to repeat."""
    if reply.status in (408, 425) or reply.status >= 500:
        message = f"the provider returned {reply.status}"
        raise UpstreamThrottled(message, wait_seconds=retry_after(reply))
    if reply.status in (404, 410):
        raise UpstreamJobNotFound("the provider does not know the job")
    _raise_for_refusal(reply)


def parse_created(reply: HttpReply, schema: type[Body]) -> Body:
    raise_for_create_status(reply)
    return read(reply, schema)


def parse_reply(reply: HttpReply, schema: type[Body]) -> Body:
    raise_for_status(reply)
    return read(reply, schema)


def _raise_for_refusal(reply: HttpReply) -> None:
    if reply.status == 429:
        raise UpstreamThrottled("the provider throttles requests", wait_seconds=retry_after(reply))
    if reply.status >= 300:
        raise _refusal(reply)


def _refusal(reply: HttpReply) -> UpstreamError:
    message, code = error_message_and_code(reply)
    if reply.status == 401:  # some providers quote the API key in the message
        return UpstreamRefused(
            "the provider rejected the API key", code="upstream_unauthorized", key_rejected=True
        )
    if reply.status == 403:
        return UpstreamRefused(
            f"the provider rejected the API key: {message}", code="upstream_unauthorized"
        )
    if _is_content_filter(code):
        return UpstreamRefused(message, code=FILTERED, upstream_code=code)
    return UpstreamRefused(
        f"the provider refused the request ({reply.status}): {message or NO_REASON}",
        upstream_code=code or None,
    )


def refused_result(reply: HttpReply) -> JobError | None:
    """Return the error of a finished job in place of whose result the reply has a refusal.

    Other errors may pass: the result may not be there yet, or the API key be under rotation.
    """
    if not 400 <= reply.status < 500 or reply.status in MAY_PASS:
        return None
    message, code = error_message_and_code(reply)
    text = f"the provider refused the result ({reply.status}): {message or NO_REASON}"
    return failure(code or str(reply.status), text, content_filtered=_is_content_filter(code))


def error_message_and_code(reply: HttpReply) -> tuple[str, str]:
    """Return the message with the errors of single fields, and the code; each empty if absent."""
    try:
        value = parse_json(reply.body, MAX_REPLY_VALUES)
        body = _ErrorBody.model_validate(value)
    except ValueError:
        return reply.body[:MAX_MESSAGE].decode("utf-8", "replace"), ""
    message, code = _message_and_code(body)
    code = code or reply.headers.get("x-fal-error-type") or ""
    lines = "; ".join(line for line in field_errors(value) if line != message)
    return ": ".join(filter(None, [message, lines]))[:MAX_MESSAGE], code[:MAX_CODE]


def _message_and_code(body: _ErrorBody) -> tuple[str, str]:
    if isinstance(body.error, _Error):
        return body.error.message or "", str(body.error.code or body.error.type or "")
    if isinstance(body.detail, tuple):
        return "", next((error.type for error in body.detail if error.type), "")
    return body.error or body.message or body.detail or "", str(body.code or "")


def _is_content_filter(code: str) -> bool:
    return matches(GENERAL.content_filtered, code)


def failure(
    code: str | None, message: str | None, *, content_filtered: bool | None = None
) -> JobError:
    """Return the job error of a failed generation, with the provider's message and code.

    `content_filtered` replaces the decision by the code.
    """
    if content_filtered is None:
        content_filtered = _is_content_filter(code or "") or plain(code or "") in FILTERED_WORDS
    return JobError(
        code=FILTERED if content_filtered else "upstream_failed",
        message=(message or NO_REASON)[:MAX_MESSAGE],
        upstream_code=code[:MAX_CODE] if code else None,
    )


def failure_of(status: str, error: ErrorObject | str | None) -> JobError:
    """Return the same from an error object, or plain text as some providers send it."""
    if isinstance(error, str):
        return failure(status, error)
    error = error or ErrorObject()
    return failure(str(error.code or status), error.message)


def unknown_status(status: str) -> UnknownUpstreamStatus:
    return UnknownUpstreamStatus(f"the provider returned an unknown status: {status[:MAX_CODE]!r}")


def percentage(part: float | None, whole: float = 100) -> int | None:
    """Return `part` of `whole` as a percentage from 0 to 100; None if absent.

    Clamping precedes the division: `1e308` times 100 is infinite, and `round` raises for it.
    """
    return None if part is None else round(100 * (min(max(part, 0), whole) / whole))


def retry_after(reply: HttpReply) -> float | None:
    """Return the seconds of `Retry-After`; a date is compared with the reply's own `Date`."""
    return parse_retry_after(
        reply.headers.get("retry-after"), parse_http_date(reply.headers.get("date"))
    )
