"""Queries and entries of the audit log, for the native API and the command line."""

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from rushes.api.keys.views import iso_time
from rushes.dialects.validation import shown
from rushes.ports.audit import ACTIONS, AuditEntry, AuditFilter


def _action(text: str) -> str:
    resource, _, verb = text.partition(".")
    if verb in ACTIONS.get(resource, ()) or (text == f"{resource}." and resource in ACTIONS):
        return text
    known = ", ".join(f"{name}.{verb}" for name, verbs in ACTIONS.items() for verb in verbs)
    raise ValueError(
        f"it must be one of {known}, or a resource and a dot, such as `key.` (got {shown(text)})"
    )


class AuditQuery(BaseModel):
    actor: Annotated[str, Field(max_length=300)] | None = None
    action: Annotated[str, Field(max_length=80), AfterValidator(_action)] | None = Field(
        None, description="An action, or a resource and a dot for all of its actions: `key.`"
    )
    target: Annotated[str, Field(max_length=300)] | None = None
    since: AwareDatetime | None = Field(None, description="A time in ISO 8601, with a time zone.")
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(max_length=64)] | None = None


class AuditEntryView(BaseModel):
    id: str
    at: str
    actor: str = Field(description="`key:` and the id of an API key, or the ARN of an identity.")
    action: str
    target: str
    detail: dict[str, Any]


def filter_of(query: AuditQuery) -> AuditFilter:
    since = query.since.timestamp() if query.since else None
    return AuditFilter(query.actor, query.action, query.target, since)


def entry_view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        id=entry.id,
        at=iso_time(entry.at) or "",
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        detail=dict(entry.detail),
    )
