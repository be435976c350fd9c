"""Errors of providers as clients read them: the provider and a code, not its private text.

Refusals of a request's content or arguments stay readable. Text about the deployment's account, its
key or the connection is replaced; the operator reads it in the log and in the job's `detail`.
"""

import re
from copy import copy
from dataclasses import replace

from rushes.errors import UpstreamError
from rushes.jobs.result import FILTERED, JobError
from rushes.providers.base import Failed
from rushes.providers.error_meaning import is_code

OWN_WORDS = "the provider"
"""Beginning of messages that the adapters and the HTTP client write themselves."""
MESSAGES = {
    "upstream_account": "{provider} does not accept requests of this deployment's account",
    "upstream_model_unavailable": "{provider} does not serve the model",
    "upstream_unauthorized": "{provider} rejected the API key of this deployment",
}
"""Messages by error code, whatever the provider's text is."""
DEFAULTS = {
    "upstream_busy": "{provider} throttles requests",
    "upstream_failed": "{provider} could not complete the job",
    "upstream_outcome_unknown": "{provider} did not respond to the create call",
    "upstream_refused": "{provider} refused the request",
    "upstream_unavailable": "{provider} is unavailable",
    "upstream_unreachable": "{provider} cannot be reached",
}
"""Messages by error code, in place of a text that is private or not our own."""
OWN_TEXT_ONLY = frozenset(
    {"upstream_outcome_unknown", "upstream_unavailable", "upstream_unreachable"}
)
"""Error codes of replies without an explanation for the client."""
PRIVATE = re.compile(
    r"\b(?:account|user|team|organi[sz]ation|subscription)\b.{0,40}"
    r"\b(?:locked|suspended|deactivated|disabled|overdue|arrears|blocked|verified)\b"
    r"|\b(?:exhausted|insufficient|not enough|out of|available|no)\b.{0,20}"
    r"\b(?:balance|credits?|funds|quota)\b"
    r"|\b(?:billing|top.?up|invoice|payment|arrears|current quota)\b"
    r"|\b(?:spend(?:ing)?.limit|api.?keys?)\b"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[\w-]+\.(?:internal|local|svc)\b|traceback \(most recent",
    re.IGNORECASE | re.DOTALL,
)
"""Text about an account, its money or its keys, or about the provider's machines."""

QUERY = re.compile(r"(\bhttps?://[^\s?\"'<>]+)\?[^\s\"'<>]*", re.IGNORECASE)
"""A URL and its query, which may be a signature: of an input's link, or of a result."""


def reworded(provider: str, error: UpstreamError) -> UpstreamError:
    """Return the error with a message for clients; the original is its `detail`."""
    public = copy(error)
    code, message = error.upstream_code, QUERY.sub(r"\1", error.message)
    public.detail = error.detail and QUERY.sub(r"\1", error.detail)
    if code and not is_code(code):  # some vendors put a sentence in the place of a code
        public.detail = f"{code}: {public.detail or message}"
        public.upstream_code = None
    public.message = _public(provider, error.error_code, public.upstream_code, message)
    public.args = (public.message,)
    if public.message != message:
        public.detail = public.detail or message
    return public


def reworded_failure(provider: str, result: Failed) -> Failed:
    """Return the same of a job that failed at its provider."""
    given = result.error
    error = reworded(
        provider,
        UpstreamError(
            given.message,
            code=given.code,
            upstream_code=given.upstream_code,
            detail=result.detail,
        ),
    )
    public = JobError(
        code=error.error_code, message=error.message, upstream_code=error.upstream_code
    )
    return replace(result, error=public, detail=error.detail)


def _public(provider: str, code: str, upstream_code: str | None, message: str) -> str:
    if code in MESSAGES:
        return _with_code(MESSAGES[code].format(provider=provider), upstream_code)
    is_own = message.startswith((OWN_WORDS, f"{provider} "))
    is_hidden = code != FILTERED and PRIVATE.search(message) is not None
    if code in DEFAULTS and (is_hidden or (code in OWN_TEXT_ONLY and not is_own)):
        return _with_code(DEFAULTS[code].format(provider=provider), upstream_code)
    return f"{provider}{message[len(OWN_WORDS) :]}" if message.startswith(OWN_WORDS) else message


def _with_code(message: str, upstream_code: str | None) -> str:
    return f"{message} ({upstream_code})" if upstream_code else message
