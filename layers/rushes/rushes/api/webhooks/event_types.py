"""Event types of an endpoint: stored with the bus's names, shown with those of its format."""

from collections.abc import Iterable, Sequence

from rushes.api.webhooks.samples import JOB_EVENT_TYPES
from rushes.errors import InvalidRequest
from rushes.jobs.budget_events import THRESHOLD_REACHED
from rushes.jobs.progress_events import TYPE as PROGRESS
from rushes.webhooks.endpoint import Endpoint, Format
from rushes.webhooks.operational_events import DISABLED
from rushes.webhooks.payloads import OPENAI_TYPES, SUPPORTED_TYPES

TYPES = (*JOB_EVENT_TYPES, THRESHOLD_REACHED, DISABLED)
ALL = "*"


def all_event_types() -> list[str]:
    """Return the event types of all formats."""
    return list(dict.fromkeys((*TYPES, *OPENAI_TYPES.values())))


def read_event_types(
    names: Sequence[str] | None, format_name: Format | None
) -> tuple[Format, tuple[str, ...]]:
    """Return the format and the bus's event types; an empty tuple means all but `job.progress`.

    Without a format, OpenAI's names select `openai`, all others `rushes`.
    """
    if names is None:
        return format_name or "rushes", ()
    if not names:
        raise InvalidRequest(
            "event_types must not be empty; omit it to receive all types", param="event_types"
        )
    if format_name is None:
        format_name = "openai" if set(names) <= set(OPENAI_TYPES.values()) else "rushes"
    supported = _supported(format_name)
    allowed = _names(format_name, supported)
    for name in names:
        if name not in (*allowed, ALL):
            raise InvalidRequest(
                f"event_types must be of {', '.join(allowed)} (got {name[:80]})",
                param="event_types",
            )
    if ALL in names:
        return format_name, (ALL, PROGRESS) if PROGRESS in names else ()
    return format_name, tuple(
        event_type for event_type in supported if event_type_for(format_name, event_type) in names
    )


def ensure_supported(endpoint: Endpoint, format_name: Format) -> None:
    """Reject a format that does not support the endpoint's event types."""
    for event_type in endpoint.event_types:
        if event_type not in (*_supported(format_name), ALL):
            raise InvalidRequest(
                f"format {format_name} does not support the endpoint's event type"
                f" {event_type_for(endpoint.format, event_type)}; change event_types, too",
                param="format",
            )


def serialize_event_types(endpoint: Endpoint) -> list[str]:
    if not endpoint.event_types and endpoint.format == "rushes":
        return [ALL]
    return _names(endpoint.format, endpoint.event_types or _supported(endpoint.format))


def event_type_for(format_name: str, event_type: str) -> str:
    """Return the format's name of a bus event type."""
    return OPENAI_TYPES.get(event_type, event_type) if format_name == "openai" else event_type


def _names(format_name: str, event_types: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(event_type_for(format_name, name) for name in event_types))


def _supported(format_name: str) -> tuple[str, ...]:
    return SUPPORTED_TYPES.get(format_name, TYPES)
