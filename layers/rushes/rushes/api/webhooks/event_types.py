"""Which events an endpoint is sent: kept in the bus's words, read and shown in its format's own."""

from collections.abc import Iterable, Sequence

from rushes.api.webhooks.samples import TYPES as JOB_TYPES
from rushes.errors import InvalidRequest
from rushes.webhooks.endpoint import Endpoint, Format
from rushes.webhooks.operational_events import DISABLED
from rushes.webhooks.payloads import OPENAI_TYPES, WORDS

TYPES = (*JOB_TYPES, DISABLED)
ALL = "*"
FORMATS: tuple[Format, ...] = ("rushes", "openai", "fal", "pipelet")


def every_type() -> list[str]:
    """All that can be subscribed to, in any format."""
    return list(dict.fromkeys((*TYPES, *OPENAI_TYPES.values())))


def read_types(
    written: Sequence[str] | None, form: Format | None
) -> tuple[Format, tuple[str, ...]]:
    """The format and the bus's types; without a format the words tell it. No types: all of them."""
    if written is None:
        return form or "rushes", ()
    if not written:
        raise InvalidRequest(
            "event_types names at least one; leave it out to have all", param="event_types"
        )
    form = form or ("openai" if set(written) <= set(OPENAI_TYPES.values()) else "rushes")
    known = _words(form, _spoken(form))
    for name in written:
        if name not in (*known, ALL):
            raise InvalidRequest(
                f"event_types: {name[:80]} is none of {', '.join(known)}", param="event_types"
            )
    return form, () if ALL in written else _named(form, written)


def check_format(endpoint: Endpoint, form: Format) -> None:
    """Refuse a format that has no words for what the endpoint has asked for."""
    for event_type in endpoint.event_types:
        if event_type not in _spoken(form):
            raise InvalidRequest(
                f"format: {form} has no word for {word_of(endpoint.format, event_type)}:"
                " give event_types, too",
                param="format",
            )


def shown_types(endpoint: Endpoint) -> list[str]:
    if endpoint.event_types:
        return _words(endpoint.format, endpoint.event_types)
    return (
        [ALL] if endpoint.format == "rushes" else _words(endpoint.format, _spoken(endpoint.format))
    )


def word_of(form: str, event_type: str) -> str:
    return OPENAI_TYPES.get(event_type, event_type) if form == "openai" else event_type


def _words(form: str, event_types: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word_of(form, it) for it in event_types))


def _spoken(form: str) -> tuple[str, ...]:
    return WORDS.get(form, TYPES)


def _named(form: str, words: Sequence[str]) -> tuple[str, ...]:
    return tuple(it for it in _spoken(form) if word_of(form, it) in words)
