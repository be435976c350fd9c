"""Error codes in replies of a declarative provider, read with the spec's `ErrorMapping`."""

from rushes.catalog.provider_config import ErrorMapping
from rushes.catalog.template import as_text
from rushes.errors import UpstreamRefused, UpstreamThrottled
from rushes.jobs.result import JobError
from rushes.json_pointer import resolve_pointer
from rushes.providers import replies


def raise_for_error(
    body: object, mapping: ErrorMapping | None, wait_seconds: float | None = None
) -> None:
    """Raise the error of a request that the reply's code reports, if any."""
    code, message = _code_and_message(body, mapping)
    if mapping is None or not code or code in mapping.success:
        return
    if code in mapping.throttled:
        raise UpstreamThrottled(
            f"the provider throttles requests: {message}", wait_seconds=wait_seconds
        )
    if code in mapping.content_filtered:
        raise UpstreamRefused(message, code="content_filtered", upstream_code=code)
    raise UpstreamRefused(f"the provider refused the request: {message}", upstream_code=code)


def mapped_failure(body: object, mapping: ErrorMapping | None, status: str) -> JobError:
    """Return the error of a failed job; `status` replaces an absent code."""
    code, message = _code_and_message(body, mapping)
    filtered = mapping is not None and code in mapping.content_filtered
    return JobError(
        code="content_filtered" if filtered else "upstream_failed",
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
