"""Request bodies of the webhook API. Validation rejects unknown fields by name."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from rushes.dialects.json_format import without_nulls
from rushes.webhooks.endpoint import Format

MAX_ID = 200
"""Characters; Rushes issues no longer ids."""

Name = Annotated[str, Field(max_length=200)]
Id = Annotated[str, Field(max_length=MAX_ID)]
EventTypes = Annotated[
    tuple[Annotated[str, Field(max_length=80)], ...], Field(max_length=50, fail_fast=True)
]


class EmptyRequest(BaseModel):
    """Reads null as an absent field; an empty text is a value, such as no name."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: object) -> object:
        return without_nulls(value) if isinstance(value, Mapping) else value


class NewEndpoint(EmptyRequest):
    url: str
    name: Name = ""
    event_types: EventTypes | None = None
    format: Format | None = None
    signing_secret: str | None = None
    """Generated if absent."""


class EndpointChanges(EmptyRequest):
    url: str | None = None
    name: Name | None = None
    event_types: EventTypes | None = None
    format: Format | None = None
    status: Literal["enabled", "disabled"] | None = None


class Rotation(EmptyRequest):
    keep_old_secret_active_for_24_hours: bool = False
    signing_secret: str | None = None


class TestRequest(EmptyRequest):
    event_type: str | None = None


class ResendRequest(EmptyRequest):
    """One message, or all of a time range (seconds since 1970, or ISO 8601)."""

    message_id: Id | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: Id | None = None
    """`last_id` of the previous call, to continue its range."""


class Page(EmptyRequest):
    limit: int = Field(default=20, ge=1, le=100)
    after: Id | None = None
