"""The neutral form of a create call, whichever dialect it came in."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class StoredFile(BaseModel):
    """A file in the bucket. `key` is its object key, `size` its length in bytes."""

    model_config = ConfigDict(frozen=True)

    key: str
    content_type: str
    size: int
    etag: str | None = None
    """S3's mark of these very bytes, where it matters."""


class Role(StrEnum):
    """What a file is for."""

    IMAGE = "image"
    """The picture to start from."""
    LAST_FRAME = "last_frame"
    REFERENCE = "reference"
    """A picture to take a look, a person or a style from; there may be several."""
    SOURCE_VIDEO = "source_video"
    """The film to rework."""
    AUDIO = "audio"
    """The sound to go with, or the speech to write down."""


def family_of(role: Role) -> str:
    """What kind of file fills a role: image, video or audio."""
    return {Role.SOURCE_VIDEO: "video", Role.AUDIO: "audio"}.get(role, "image")


class Input(BaseModel):
    """A file to work from: in the bucket, or at an address that is fetched at submission."""

    model_config = ConfigDict(frozen=True)

    role: Role
    file: StoredFile | None = None
    url: str | None = None


class WebhookTarget(BaseModel):
    """Where one job's client wants to hear of it, and in which API's words."""

    model_config = ConfigDict(frozen=True)

    url: str
    format: str = "rushes"


class GenerationRequest(BaseModel):
    """What a client wants made. None means: as the model does it by itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    """As the client wrote it: `provider/model` or a catalog alias."""
    prompt: str = ""
    seconds: int | None = None
    size: str | None = None
    """Width and height in pixels, as `1280x720`; `x720` leaves the width to the model."""
    seed: int | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
    inputs: tuple[Input, ...] = ()
    fallbacks: tuple[str, ...] = ()
    """Models to go on with, in order, where the first one's provider does not make it."""
    provider_options: dict[str, Any] = Field(default_factory=dict)
    """Fields that only the provider knows, handed to it unchanged."""

    def files(self, role: Role) -> tuple[StoredFile, ...]:
        """Those of a role that are in the bucket, in the client's order."""
        return tuple(it.file for it in self.inputs if it.role is role and it.file)

    def file(self, role: Role) -> StoredFile | None:
        return next(iter(self.files(role)), None)


@dataclass(frozen=True)
class Upload:
    """A file that came with the request. `field` is its name in the client's words."""

    field: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class CreateRequest:
    """A create call as a dialect read it: the request, and what is still to be looked after."""

    request: GenerationRequest
    uploads: tuple[tuple[Role, Upload], ...] = ()
    """Files that are not in the bucket yet."""
    uploaded: tuple[tuple[Role, str], ...] = ()
    """Addresses of ours that the client says it has put files to."""
    source_id: str | None = None
    """The job whose film is reworked, where the client named a job."""
    preferences: dict[str, str] = dataclass_field(default_factory=dict)
    """How the client wants its answers; for its dialect alone."""
    webhook: WebhookTarget | None = None
