"""What may be in calls about endpoints and messages. Unknown fields are refused by name."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rushes.webhooks.endpoint import Format

LONGEST_ID = 200
"""Characters: a longer one was not given out here."""

Name = Annotated[str, Field(max_length=200)]
Id = Annotated[str, Field(max_length=LONGEST_ID)]
EventTypes = Annotated[tuple[Annotated[str, Field(max_length=80)], ...], Field(max_length=50)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewEndpoint(_Body):
    url: str
    name: Name = ""
    event_types: EventTypes | None = None
    format: Format | None = None
    signing_secret: str | None = None
    """For who brings their own; without it one is made."""


class EndpointChanges(_Body):
    url: str | None = None
    name: Name | None = None
    event_types: EventTypes | None = None
    format: Format | None = None
    status: Literal["enabled", "disabled"] | None = None


class Rotation(_Body):
    keep_old_secret_active_for_24_hours: bool = False
    signing_secret: str | None = None


class TestRequest(_Body):
    event_type: str | None = None


class ResendRequest(_Body):
    """One message, or all between two moments (seconds since 1970, or ISO 8601)."""

    message_id: Id | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: Id | None = None
    """The last message of the call before, to go on behind it."""


class Nothing(_Body):
    pass


class Page(_Body):
    limit: int = Field(default=20, ge=1, le=100)
    after: Id | None = None
