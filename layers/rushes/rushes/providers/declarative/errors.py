"""Error codes in replies of a declarative provider, read with the spec's `ErrorMapping`."""

from collections.abc import Iterable

from rushes.catalog.provider_config import ErrorMapping
from rushes.catalog.template import as_text
from rushes.errors import UpstreamRefused, UpstreamThrottled
from rushes.jobs.result import FILTERED, JobError
from rushes.json_pointer import resolve_pointer
from rushes.providers import replies


def raise_for_error(
    body: object,
    mapping: ErrorMapping | None,
    wait_seconds: float | None = None,
    http_status: int = 200,
) -> None:
    """Raise the error of a request that the reply's code reports, if any."""
    code, message = _code_and_message(body, mapping)
    if mapping is None or not code or _is_in(mapping.success, code):
        return
    if _is_in(mapping.throttled, code):
        raise UpstreamThrottled(
            f"the provider throttles requests: {message}", wait_seconds=wait_seconds
        )
    if _is_in(mapping.content_filtered, code):
        raise UpstreamRefused(message, code=FILTERED, upstream_code=code)
    if http_status == 429 and mapping.final and not _is_in(mapping.final, code):
        return  # the HTTP status decides
    raise UpstreamRefused(f"the provider refused the request: {message}", upstream_code=code)


def mapped_failure(body: object, mapping: ErrorMapping | None, status: str) -> JobError:
    """Return the error of a failed job; `status` replaces an absent code."""
    code, message = _code_and_message(body, mapping)
    filtered = mapping is not None and _is_in(mapping.content_filtered, code)
    return JobError(
        code=FILTERED if filtered else "upstream_failed",
        message=message or replies.NO_REASON,
        upstream_code=code or status[: replies.MAX_CODE],
    )


def _code_and_message(body: object, mapping: ErrorMapping | None) -> tuple[str, str]:
    """Return both as text, each empty if absent."""
    if mapping is None:
        return "", ""
    code, message = resolve_pointer(body, mapping.code), resolve_pointer(body, mapping.message)
    return (
        "" if code is None else as_text(code)[: replies.MAX_CODE],
        "" if message is None else as_text(message)[: replies.MAX_MESSAGE],
    )


def _is_in(codes: Iterable[str], code: str) -> bool:
    return any(
        code.startswith(known[:-1]) if known.endswith("*") else code == known for known in codes
    )
