"""Run an adapter's parser on a reply: it returns a value or raises `UpstreamError`, nothing else.

Between the lease and the job's next state, another exception would lose the meaning of the reply.
The vendor's error codes then decide what an error means, whatever the adapter and the HTTP status
say: whether it is final, about the account or the model, or a reason to wait.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from aws_lambda_powertools import Logger

from rushes.catalog.provider_config import VendorErrors
from rushes.errors import (
    UpstreamAccountError,
    UpstreamError,
    UpstreamModelUnavailable,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from rushes.jobs.job import Job
from rushes.jobs.result import FILTERED
from rushes.ports.http import HttpReply
from rushes.providers import replies
from rushes.providers.error_meaning import (
    Known,
    Meaning,
    has_created_nothing,
    is_not_found,
    known_error,
)
from rushes.workflow.log_events import REPLY_NOT_PARSED

Parsed = TypeVar("Parsed")
NO_CODES = VendorErrors()

logger = Logger(service="rushes", child=True)


def parse_create_reply(
    job: Job,
    reply: HttpReply,
    parse: Callable[[HttpReply], Parsed],
    errors: VendorErrors = NO_CODES,
) -> Parsed:
    """Parse the reply to a create call.

    If the parser fails, the status alone decides: 4xx proves that nothing was created.
    """
    error_of = partial(_create_error, errors=errors, has_source=job.source_operation is not None)
    return _parse(job, reply, parse, replies.raise_for_create_status, error_of)


def parse_reply(
    job: Job,
    reply: HttpReply,
    parse: Callable[[HttpReply], Parsed],
    errors: VendorErrors = NO_CODES,
) -> Parsed:
    """Parse the reply to a request that is safe to repeat."""
    return _parse(job, reply, parse, replies.raise_for_status, partial(_poll_error, errors=errors))


def _parse(
    job: Job,
    reply: HttpReply,
    parse: Callable[[HttpReply], Parsed],
    raise_for_status: Callable[[HttpReply], None],
    error_of: Callable[[UpstreamError, HttpReply], UpstreamError],
) -> Parsed:
    """Run the parser; `error_of` returns its error by the vendor's codes."""
    try:
        return _run(job, reply, parse, raise_for_status)
    except UpstreamError as error:
        found = _with_text(error_of(error, reply), reply)
        if found is error:
            raise
        raise found from error


def _run(
    job: Job,
    reply: HttpReply,
    parse: Callable[[HttpReply], Parsed],
    raise_for_status: Callable[[HttpReply], None],
) -> Parsed:
    try:
        return parse(reply)
    except UpstreamError:
        raise
    except Exception as error:
        logger.exception(
            REPLY_NOT_PARSED, **job.log_fields, provider=job.provider, http_status=reply.status
        )
        raise_for_status(HttpReply(reply.status, {}, b""))
        raise UpstreamProtocolError(
            f"the provider's response ({reply.status}) cannot be parsed",
            detail=type(error).__name__,
        ) from error


def _create_error(
    error: UpstreamError, reply: HttpReply, errors: VendorErrors, *, has_source: bool
) -> UpstreamError:
    """Return the error by the vendor's codes; with `has_source`, 404 may be about another job.

    A code that says that nothing was created counts with any HTTP status; one that asks for a later
    call does not: with 5xx the outcome is unknown unless the vendor declares it.
    """
    known = known_error(reply, errors)
    if known is None and is_not_found(reply) and not has_source:
        known = Known(Meaning.MODEL, str(reply.status))
    if error.error_code == FILTERED:
        is_refusal = reply.status >= 400 or (known and known.meaning is Meaning.CONTENT_FILTERED)
        error.may_be_billed = not is_refusal  # a create call may generate at once
        return error
    if known is None or (known.meaning is Meaning.RETRYABLE and reply.status >= 500):
        return _not_created(error, reply, errors)
    match known.meaning:
        case Meaning.CONTENT_FILTERED:
            message = replies.error_message_and_code(reply)[0] or replies.NO_REASON
            return UpstreamRefused(message, code=FILTERED, upstream_code=known.code)
        case Meaning.FINAL:
            message = f"the provider refused the request: {_text_of(error, reply)}"
            return UpstreamRefused(message, upstream_code=known.code)
        case meaning:
            return _common_error(meaning, known.code, error, reply)


def _poll_error(error: UpstreamError, reply: HttpReply, errors: VendorErrors) -> UpstreamError:
    """Return the error by the vendor's codes, as far as they concern a request that is repeated."""
    known = known_error(reply, errors)
    if known and known.meaning in (Meaning.ACCOUNT, Meaning.KEY, Meaning.RETRYABLE):
        return _common_error(known.meaning, known.code, error, reply)
    return error


def _common_error(
    meaning: Meaning, code: str, error: UpstreamError, reply: HttpReply
) -> UpstreamError:
    detail = _text_of(error, reply)
    if meaning is Meaning.MODEL:
        return UpstreamModelUnavailable(
            "the model is not served", upstream_code=code, detail=detail
        )
    if meaning is Meaning.ACCOUNT:
        return UpstreamAccountError(
            "the account is not accepted", upstream_code=code, detail=detail
        )
    if meaning is Meaning.KEY:
        return UpstreamRefused(
            "the provider rejected the API key",
            code="upstream_unauthorized",
            upstream_code=code,
            key_rejected=True,
        )
    return UpstreamThrottled(
        "the provider throttles requests",
        wait_seconds=replies.retry_after(reply),
        upstream_code=code,
        detail=detail,
    )


def _with_text(error: UpstreamError, reply: HttpReply) -> UpstreamError:
    """Add the provider's own text, for the operator."""
    if error.detail is None and reply.status >= 300:
        error.detail = _text_of(error, reply)
    return error


def _not_created(error: UpstreamError, reply: HttpReply, errors: VendorErrors) -> UpstreamError:
    if reply.status < 500 or not has_created_nothing(reply, errors):
        return error
    return UpstreamUnavailable(
        f"the provider returned {reply.status} for the create call",
        wait_seconds=replies.retry_after(reply),
        detail=_text_of(error, reply),
    )


def _text_of(error: UpstreamError, reply: HttpReply) -> str:
    """Return the provider's own text, or our words for the reply."""
    text = replies.error_message_and_code(reply)[0].strip()
    return f"HTTP {reply.status}: {text or error.message}"
