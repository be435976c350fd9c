"""The dialect-independent form of a create call."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from rushes.jobs.labels import NO_LABELS, Labels
from rushes.jobs.stored import StoredModel, or_unknown

MAX_UPLOAD_BYTES = 200 * 1024 * 1024
"""Of a file that a client PUTs to an upload URL."""
UPLOAD_SECONDS = 900
"""Validity of an upload URL."""
UPLOADS = "uploads/"
"""Prefix of the object keys of uploads; the account follows."""
UPLOAD_ROUTE = "POST /v1/uploads"
UPLOAD_HINT = f"PUT larger files to a URL of {UPLOAD_ROUTE} and send the URL"
MAX_INLINE_BYTES = 4_500_000
"""Of all files in one request. API Gateway sends at most 6 MiB to Lambda, after base64."""


def megabytes(size: int) -> str:
    """Render a number of bytes, rounded up, for an error message, such as `4.5 MB`."""
    return f"{-(-size // 100_000) / 10} MB"


class StoredFile(StoredModel):
    """A file in the bucket. `key` is its object key, `size` its length in bytes."""

    key: str
    content_type: str
    size: int
    etag: str | None = None
    """S3 ETag of the content, if it must not change."""


class Role(StrEnum):
    """Purpose of an input file."""

    IMAGE = "image"
    """First frame."""
    FRAME = "frame"
    """Frame between the first and the last; `Input.frame` is its number."""
    LAST_FRAME = "last_frame"
    REFERENCE = "reference"
    """Image of a subject, person or style; there may be several."""
    SOURCE_VIDEO = "source_video"
    """Video to edit."""
    FRAME_VIDEO = "frame_video"
    """Clip that becomes a part of the video; there may be several."""
    REFERENCE_VIDEO = "reference_video"
    """Video of a subject, motion or style; there may be several."""
    AUDIO = "audio"
    """Soundtrack, or the speech to transcribe; some models accept several."""


IMAGE_ROLES = frozenset({Role.IMAGE, Role.FRAME, Role.LAST_FRAME, Role.REFERENCE})
VIDEO_ROLES = frozenset({Role.SOURCE_VIDEO, Role.FRAME_VIDEO, Role.REFERENCE_VIDEO})
VISUAL_ROLES = IMAGE_ROLES | VIDEO_ROLES
SEVERAL_ROLES = frozenset({Role.FRAME, Role.REFERENCE, Role.FRAME_VIDEO, Role.REFERENCE_VIDEO})
"""Roles of which a template sends several files."""


def role_media_type(role: Role) -> str:
    """Return the media type that a role requires: image, video or audio."""
    if role is Role.AUDIO:
        return "audio"
    return "video" if role in VIDEO_ROLES else "image"


class Input(StoredModel):
    """An input file: in the bucket, or a URL that submit fetches."""

    role: Annotated[Role, or_unknown(Role)]
    file: StoredFile | None = None
    url: str | None = None
    frame: int | None = None
    """Number of the frame, of `Role.FRAME`."""
    field: str = Field(default="", exclude=True)
    """Field of the create request that contained the URL, for errors; it is not stored."""


class WebhookTarget(StoredModel):
    """Webhook URL of one job and the payload format of its deliveries."""

    url: str
    format: str = "rushes"


class LengthAndSize(StoredModel):
    """Length and size of a request before a model's limits changed them."""

    seconds: int | None = None
    size: str | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None


class GenerationRequest(StoredModel):
    """Parameters of a generation. None selects the model's default."""

    model: str
    """As requested: `provider/model` or a catalog alias."""
    prompt: str = ""
    seconds: int | None = None
    size: str | None = None
    """Width and height in pixels, as `1280x720`; with `x720` the model selects the width."""
    resolution: str | None = None
    """Instead of `size`: the shorter side, as `720p`."""
    aspect_ratio: str | None = None
    """Instead of `size`: such as `16:9`, alone or with `resolution`."""
    seed: int | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
    inputs: tuple[Input, ...] = ()
    fallbacks: tuple[str, ...] = ()
    """Models to fail over to, in order."""
    provider_options: dict[str, Any] = Field(default_factory=dict)
    """Provider-specific fields, passed through unchanged."""
    vendor_arguments: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the requested model by the vendor's names, with values that no field above
    expresses, such as a length of `auto`. Models without these arguments ignore them."""

    def files(self, role: Role) -> tuple[StoredFile, ...]:
        """Return the files of a role that are in the bucket, in the client's order."""
        return tuple(entry.file for entry in self.inputs if entry.role is role and entry.file)

    def file(self, role: Role) -> StoredFile | None:
        return next(iter(self.files(role)), None)


FILLED_FIELDS = ("seconds", "size", "resolution", "aspect_ratio", "vendor_arguments")
"""Fields of a `GenerationRequest` that each model fills by its own limits."""


@dataclass(frozen=True)
class Upload:
    """A file sent with the request. `field` is its field name in the dialect."""

    field: str
    content_type: str
    content: bytes
    frame: int | None = None
    """Number of the frame, of `Role.FRAME`."""


@dataclass(frozen=True)
class UploadUrlRequest:
    """A file for which a client requests an upload URL.

    If the client declares the content type or the length in bytes, the URL accepts no other.
    """

    extension: str
    content_type: str | None = None
    length: int | None = None


@dataclass(frozen=True)
class CreateRequest:
    """A create call as parsed by a dialect, before its files are stored."""

    request: GenerationRequest
    uploads: tuple[tuple[Role, Upload], ...] = ()
    """Files that are not yet in the bucket."""
    uploaded: tuple[tuple[Role, str], ...] = ()
    """Upload URLs issued to the client, to which it has PUT files."""
    source_id: str | None = None
    """The job whose video is edited, if the client named one."""
    modalities: frozenset[str] | None = None
    """What the called API can return; None: anything."""
    preferences: dict[str, str] = dataclass_field(default_factory=dict)
    """Response options, interpreted by the dialect only."""
    webhook: WebhookTarget | None = None
    labels: Labels = NO_LABELS
