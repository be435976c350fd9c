"""Meaning of an error reply: the vendor's codes decide first, then its HTTP status, then text.

Codes are data: those of a vendor in its file of `catalog/vendors`, and here the codes that several
vendors use. Texts are compared only if a reply has no known code, as some vendors publish none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from rushes.catalog.provider_config import VendorErrors
from rushes.json_parser import parse_json
from rushes.ports.http import HttpReply

MAX_ERROR_BYTES = 256 * 1024
"""Of a body that is searched for codes; an error is shorter."""
MAX_ERROR_VALUES = 20_000
MAX_DEPTH = 10
MAX_MEMBERS = 50
"""Of a list that is searched."""
MAX_CODE_CHARACTERS = 120
PAYMENT_REQUIRED = 402


class Meaning(StrEnum):
    """Names of the fields of `VendorErrors` that list codes, in the order of precedence."""

    ACCOUNT = "account"
    MODEL = "model"
    KEY = "key"
    CONTENT_FILTERED = "content_filtered"
    RETRYABLE = "retryable"
    FINAL = "final"


class Known(NamedTuple):
    """A known error; `code` is the vendor's code, or the HTTP status if that decided."""

    meaning: Meaning
    code: str


GENERAL = VendorErrors(
    account=(
        "402",
        "access_terminated",
        "account_banned",
        "account_deactivated",
        "account_disabled",
        "account_inactive",
        "account_locked",
        "account_not_verified",
        "account_overdue*",
        "account_suspended",
        "arrearage",
        "balance_not_enough",
        "billing_disabled",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "billing_required",
        "budget_exceeded",
        "budget_exhausted",
        "consumer_suspended",
        "credit_balance_*",
        "credit_limit",
        "credit_limit_exceeded",
        "credits_exhausted",
        "exhausted_balance",
        "insufficient_balance*",
        "insufficient_credit*",
        "insufficient_funds",
        "insufficient_quota",
        "insufficient_user_quota",
        "no_credits",
        "not_enough_balance",
        "not_enough_credits",
        "organization_deactivated",
        "organization_disabled",
        "organization_not_verified",
        "organization_*_limit_exceeded",
        "out_of_credits",
        "payment_required",
        "project_spend_limit_exceeded",
        "quota_exceeded",
        "quota_exhausted",
        "spend_limit_exceeded",
        "subscription_expired",
        "user_locked",
    ),
    model=(
        "model_deprecated",
        "model_not_available",
        "model_not_found",
        "model_not_open",
        "model_removed",
        "model_retired",
        "unknown_model",
    ),
    key=("api_key_invalid", "invalid_api_key"),
    content_filtered=(
        "content_filter",
        "content_filtered",
        "content_moderated",
        "content_policy_violation",
        "moderation_blocked",
    ),
    retryable=(
        "rate_limit_exceeded",
        "rate_limit_reached",
        "rate_limited",
        "resource_exhausted",
        "throttling_exception",
        "too_many_requests",
    ),
    account_texts=(
        "account has been deactivated",
        "account has been disabled",
        "account has been suspended",
        "account is locked",
        "account is suspended",
        "exhausted balance",
        "insufficient balance",
        "insufficient credit",
        "insufficient funds",
        "not enough credits",
        "out of credits",
        "payment required",
        "user is locked",
    ),
)
"""Codes and texts of several vendors. `resource_exhausted` is google.rpc's code of a rate limit."""

_ACCOUNT_TEXT = re.compile(
    r"\b(?:account|organi[sz]ation|team|subscription|consumer)\b.{0,40}"
    r"\b(?:locked|suspended|deactivated|disabled|overdue|closed|terminated|expired)\b"
    r"|\borgani[sz]ation must be verified\b"
    r"|\bexceeded your current quota\b(?!.*\bretry in\b)"  # Google asks for a retry
    r"|\b(?:spend|spending|billing|credit|budget)(?: hard)? limit\b"
    r"|\bbudget has been exceeded\b|\bbilling to be enabled\b",
    re.DOTALL,
)
"""Further texts about an account, in lower case."""
_QUOTES = frozenset(
    {"arguments", "body", "context", "ctx", "input", "prompt", "received", "request", "value"}
)
"""Fields that may quote the client's request, in the form of `_plain`."""
_CODES = frozenset(
    {
        "code",
        "errorcode",
        "errortype",
        "failurecode",
        "quotaid",
        "quotalimit",
        "reason",
        "status",
        "statuscode",
        "title",
        "type",
    }
)
"""Fields that may have a code, in the form of `_plain`."""
_ERRORS = frozenset(
    {
        "baseresp",
        "detail",
        "details",
        "error",
        "errors",
        "innererror",
        "metadata",
        "output",
        "task",
        "violations",
    }
)
"""Fields that may have an error. Others may quote the client's request."""
_OF_JOBS = frozenset({"metadata", "output", "reason", "status", "task", "title", "type"})
"""Of both, those that a job has, too: they say nothing in a reply with 2xx."""
_MESSAGES = frozenset({"message", "msg", "statusmsg", "title"})
"""Fields that have the text of an error."""
_HEADERS = ("x-fal-error-type", "x-amzn-errortype")
_SHAPE = re.compile(r"[\w.:/-]{1,80}")
"""Of a code; anything else is text."""
_HTTP_STATUS = re.compile(r"[1-5]\d\d")
"""Of a server behind the one that replied, if a body has it: another one may have the job."""


def known_error(reply: HttpReply, errors: VendorErrors) -> Known | None:
    """Return the meaning of an error reply, or None if only its HTTP status says something."""
    if known := known_code(codes_in(reply), errors):
        return known
    if reply.status == PAYMENT_REQUIRED:
        return Known(Meaning.ACCOUNT, str(reply.status))
    return _known_text(reply, errors) if reply.status < 500 else None


def _known_text(reply: HttpReply, errors: VendorErrors) -> Known | None:
    text = _text_of(reply).casefold()
    parts = (*errors.account_texts, *GENERAL.account_texts)
    if any(part in text for part in parts) or _ACCOUNT_TEXT.search(text):
        return Known(Meaning.ACCOUNT, str(reply.status))
    if any(part in text for part in errors.model_texts):
        return Known(Meaning.MODEL, str(reply.status))
    return None


def _text_of(reply: HttpReply) -> str:
    """Return the texts of a reply without the client's own; of a success, those of its error."""
    content, is_success = reply.body[:MAX_ERROR_BYTES], reply.status < 300
    with suppress(ValueError):
        body = _without_jobs(parse_json(content, MAX_ERROR_VALUES), reply)
        return "\n".join(_texts(_error_of(body) if is_success else body, MAX_DEPTH))
    return "" if is_success else content.decode("utf-8", "replace")


def _error_of(body: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    fields = body if isinstance(body, dict) else {}
    return {name: value for name, value in fields.items() if _plain(name) in _ERRORS | _MESSAGES}


def _texts(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth:
        for member in value[:MAX_MEMBERS]:
            yield from _texts(member, depth - 1)
    elif isinstance(value, Mapping) and depth:
        for name, member in value.items():
            if _plain(name) not in _QUOTES:
                yield from _texts(member, depth - 1)


def known_code(codes: Sequence[str], errors: VendorErrors) -> Known | None:
    """Return the meaning of the first known code; the vendor's own meaning takes precedence."""
    for table in (errors, GENERAL):
        for meaning in Meaning:
            for code in codes:
                if matches(getattr(table, meaning.value), code):
                    return Known(meaning, code)
    return None


def has_created_nothing(reply: HttpReply, errors: VendorErrors) -> bool:
    """Whether the vendor declares that a create call with this reply has created nothing."""
    in_body = (code for code in codes_in(reply) if not _HTTP_STATUS.fullmatch(code))
    codes = (str(reply.status), *in_body)
    return any(matches(errors.not_created, code) for code in codes)


def is_not_found(reply: HttpReply) -> bool:
    """Whether a create call failed as the API, which answers in JSON, has no such model."""
    return reply.status in (404, 410) and reply.body.lstrip()[:1] == b"{" and b":" in reply.body


def matches(patterns: Sequence[str], code: str) -> bool:
    """Whether a code matches a pattern; case and separators do not count."""
    plain = _plain(code)
    return any(fnmatchcase(plain, _plain(pattern)) for pattern in patterns)


def is_code(text: str) -> bool:
    """Whether a text has the form of a code; some vendors put sentences in its place."""
    return _SHAPE.fullmatch(text) is not None


def codes_in(reply: HttpReply) -> tuple[str, ...]:
    """Return everything in an error reply that may be a code."""
    found = [_class_name(reply.headers[name]) for name in _HEADERS if name in reply.headers]
    if len(reply.body) <= MAX_ERROR_BYTES:
        with suppress(ValueError):
            body = _without_jobs(parse_json(reply.body, MAX_ERROR_VALUES), reply)
            found += _codes(body, MAX_DEPTH)
    return tuple(dict.fromkeys(filter(None, found)))


def _without_jobs(body: Any, reply: HttpReply) -> Any:  # noqa: ANN401 - any JSON value
    """Return the body of a success without what may describe a job, or quote its request."""
    if reply.status >= 300 or not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if _plain(name) not in _OF_JOBS}


def _codes(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if depth == 0:
        return
    if isinstance(value, list):
        for member in value[:MAX_MEMBERS]:
            yield from _codes(member, depth - 1)
    elif isinstance(value, Mapping):
        for name, member in value.items():
            plain = _plain(name)
            if plain in _CODES or plain == "error":
                yield from _code(member)
            if plain in _ERRORS:
                yield from _codes(member, depth - 1)


def _code(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, str) and len(value) <= MAX_CODE_CHARACTERS:
        yield value


def _class_name(header: str) -> str:
    """Return the name in `namespace#Name:URL`, as AWS sends it."""
    return header.partition(":")[0].rpartition("#")[2]


def _plain(code: str) -> str:
    """Return a code in lower case without separators; a pattern keeps its `*`."""
    return re.sub(r"[^a-z0-9*]+", "", code.casefold())
