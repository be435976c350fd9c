"""Read the `webhook` field of a create call: a URL, or an object of `url` and `format`."""

from typing import Any

from rushes.dialects.input_files import is_http_url
from rushes.dialects.validation import shown, without_empty
from rushes.errors import InvalidRequest
from rushes.jobs.request import WebhookTarget

FORMATS = ("rushes", "openai", "fal", "pipelet")


def read_webhook(value: Any, default_format: str) -> WebhookTarget | None:  # noqa: ANN401 - any JSON
    if value is None:
        return None
    if isinstance(value, str):
        return read_webhook_url("webhook", value, default_format)
    if not isinstance(value, dict):
        raise InvalidRequest(
            f"webhook must be a URL or an object (got {shown(value)})", param="webhook"
        )
    value = without_empty(value)
    for name in value.keys() - {"url", "format"}:
        raise InvalidRequest(
            f"webhook must have url and format only (got {name[:80]})", param="webhook"
        )
    form = value.get("format", default_format)
    if form not in FORMATS:
        raise InvalidRequest(
            f"webhook.format must be one of {', '.join(FORMATS)} (got {shown(form)})",
            param="webhook.format",
        )
    return read_webhook_url("webhook.url", value.get("url"), form)


def read_webhook_url(name: str, value: Any, form: str) -> WebhookTarget:  # noqa: ANN401 - any JSON
    """Check the form of the URL; the URL policy is applied when the job is created."""
    if not isinstance(value, str) or not is_http_url(value):
        got = "none" if value is None else shown(value)
        raise InvalidRequest(f"{name} must be an http(s) URL (got {got})", param=name)
    return WebhookTarget(url=value, format=form)
