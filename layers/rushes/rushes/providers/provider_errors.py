"""What a described provider's replies say is wrong, told by its own codes."""

from rushes.catalog.provider_config import ErrorMapping
from rushes.catalog.template import as_text
from rushes.errors import UpstreamRefused, UpstreamThrottled
from rushes.jobs.result import JobError
from rushes.json_pointer import resolve_pointer
from rushes.providers.replies import CODE_EXCERPT, EXCERPT


def raise_for_error(
    body: object, where: ErrorMapping | None, wait_seconds: float | None = None
) -> None:
    """Raise what a reply says is wrong with the call, if it says so."""
    code, message = _words(body, where)
    if where is None or not code or code in where.fine:
        return
    if code in where.busy:
        raise UpstreamThrottled(
            f"the provider asks for patience: {message}", wait_seconds=wait_seconds
        )
    if code in where.filtered:
        raise UpstreamRefused(message, code="content_filtered", upstream_code=code)
    raise UpstreamRefused(f"the provider refused: {message}", upstream_code=code)


def failure_of(body: object, where: ErrorMapping | None, status: str) -> JobError:
    """Why a job failed; its status stands for a code where there is none."""
    code, message = _words(body, where)
    filtered = where is not None and code in where.filtered
    return JobError(
        code="content_filtered" if filtered else "upstream_failed",
        message=message or "the provider gave no reason",
        upstream_code=code or status[:CODE_EXCERPT],
    )


def _words(body: object, where: ErrorMapping | None) -> tuple[str, str]:
    """Code and message; empty where there is none."""
    if where is None:
        return "", ""
    code, message = resolve_pointer(body, where.code), resolve_pointer(body, where.message)
    return (
        "" if code is None else as_text(code)[:CODE_EXCERPT],
        "" if message is None else as_text(message)[:EXCERPT],
    )
