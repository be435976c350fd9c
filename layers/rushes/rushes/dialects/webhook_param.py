"""Where a create call wants its job told of, as each API lets it be said."""

from typing import Any

from rushes.dialects.references import is_http_url
from rushes.errors import InvalidRequest
from rushes.jobs.request import WebhookTarget

FORMATS = ("rushes", "openai", "fal", "pipelet")


def read_webhook(written: Any, form: str) -> WebhookTarget | None:  # noqa: ANN401 - as sent
    """An address, or an object of `url` and `format`; `form` is meant where there is none."""
    if written is None:
        return None
    if isinstance(written, str):
        return read_target("webhook", written, form)
    if not isinstance(written, dict):
        raise InvalidRequest("webhook is neither an address nor an object", param="webhook")
    for name in written.keys() - {"url", "format"}:
        raise InvalidRequest(f"webhook has no member {name[:80]}", param="webhook")
    form = written.get("format", form)
    if form not in FORMATS:
        raise InvalidRequest(
            f"webhook.format is one of {', '.join(FORMATS)}", param="webhook.format"
        )
    return read_target("webhook.url", written.get("url"), form)


def read_target(name: str, written: Any, form: str) -> WebhookTarget:  # noqa: ANN401 - as sent
    """Whether anything may be sent there is judged later, when the job is accepted."""
    if not isinstance(written, str) or not is_http_url(written):
        raise InvalidRequest(f"{name} is not an address", param=name)
    return WebhookTarget(url=written, format=form)
