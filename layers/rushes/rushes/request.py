"""The neutral form of a create call, whichever dialect it came in."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class StoredFile(BaseModel):
    """A file in the bucket. `key` is its object key, `size` its length in bytes."""

    model_config = ConfigDict(frozen=True)

    key: str
    content_type: str
    size: int


class GenerationRequest(BaseModel):
    """What a client wants made. None means: as the model does it by itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    """As the client wrote it: `provider/model` or a catalog alias."""
    prompt: str
    seconds: int | None = None
    size: str | None = None
    """Width and height in pixels, as `1280x720`."""
    seed: int | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
    image: StoredFile | None = None
    """The first frame or reference picture."""
    image_url: str | None = None
    """The same, at an address; it is fetched when the job is submitted."""
    source_video: StoredFile | None = None
    """The film that this one reworks."""
    provider_options: dict[str, Any] = Field(default_factory=dict)
    """Fields that only the provider knows, handed to it unchanged."""


@dataclass(frozen=True)
class Upload:
    """A file that came with the request. `field` is its name in the client's words."""

    field: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Creation:
    """A create call as a dialect read it: the request, and the files that are not stored yet."""

    request: GenerationRequest
    image: Upload | None = None
    source_video: Upload | None = None
    source_id: str | None = None
    """The job whose film is reworked, where the client named a job."""
