"""What the OpenAI and the Bifrost dialects have in common: paths, ids and request bodies."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rushes.dialects.base import HttpRequest, JobReference, Route
from rushes.dialects.body import read_data_url, read_fields
from rushes.dialects.credentials import read_key
from rushes.errors import InvalidRequest, NotFound, RushesError, UnsupportedOperation
from rushes.job import Job, JobStatus
from rushes.ports import JobQuery
from rushes.request import Creation, GenerationRequest, Upload

Shape = TypeVar("Shape", bound=BaseModel)

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
POLL_AFTER_MS = 2000
"""What pollers are told; OpenAI's SDKs keep the first value they see for the whole wait."""


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not a boolean")  # noqa: TRY004 - pydantic's way
    return value


Whole = Annotated[int, BeforeValidator(_no_boolean)]
Seconds = Annotated[Whole, Field(ge=1, le=3600)]
Seed = Annotated[Whole, Field(ge=-(2**63), le=2**63 - 1)]


class CreateBody(BaseModel):
    """The fields that both know; others go to the provider if the catalog lets them."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    prompt: str
    model: str = ""
    seconds: Seconds | None = None
    size: str | None = None
    input_reference: Any = None
    seed: Seed | None = None
    negative_prompt: str | None = None
    audio: bool | None = None


class EditBody(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    prompt: str
    video: Any


class RemixBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt: str


class Listing(BaseModel):
    limit: int = Field(default=20, ge=0, le=100)
    order: str = Field(default="desc", pattern="^(asc|desc)$")
    after: str | None = None
    provider: str | None = None


def video_routes(prefix: str) -> tuple[Route, ...]:
    one = f"{prefix}/<video_id>"
    return (
        Route("POST", prefix, "create"),
        Route("GET", prefix, "list"),
        Route("POST", f"{prefix}/edits", "edit"),
        Route("POST", f"{prefix}/extensions", "unsupported"),
        Route("POST", f"{prefix}/characters", "unsupported"),
        Route("GET", f"{prefix}/characters/<video_id>", "unsupported"),
        Route("GET", one, "retrieve"),
        Route("DELETE", one, "delete"),
        Route("GET", f"{one}/content", "content"),
        Route("POST", f"{one}/remix", "remix"),
    )


class VideosDialect:
    """Reading, for both. Writing is where they differ."""

    listing: ClassVar[type[Listing]] = Listing

    def read_key(self, headers: Mapping[str, str]) -> str:
        return read_key(headers)

    def read_reference(self, request: HttpRequest) -> JobReference:
        return read_reference(request.variables["video_id"])

    def read_create(self, request: HttpRequest) -> Creation:
        fields = read_fields(request.headers, request.body)
        body = check(CreateBody, fields)
        image, image_url = _read_image(body.input_reference)
        generation = GenerationRequest(
            model=body.model,
            prompt=body.prompt,
            seconds=body.seconds,
            size=body.size,
            seed=body.seed,
            negative_prompt=body.negative_prompt,
            generate_audio=body.audio,
            image_url=image_url,
            provider_options=_options(body),
        )
        return Creation(generation, image=image)

    def read_edit(self, request: HttpRequest) -> Creation:
        body = check(EditBody, read_fields(request.headers, request.body))
        generation = GenerationRequest(model="", prompt=body.prompt)
        if isinstance(body.video, Upload):
            return Creation(generation, source_video=body.video)
        if isinstance(body.video, dict) and isinstance(body.video.get("id"), str):
            return Creation(generation, source_id=read_reference(body.video["id"]).job_id)
        raise InvalidRequest("video is neither a file nor an object with an id", param="video")

    def read_remix(self, request: HttpRequest) -> str:
        return check(RemixBody, read_fields(request.headers, request.body)).prompt

    def read_list(self, request: HttpRequest) -> JobQuery:
        asked = check(self.listing, dict(request.query))
        return JobQuery(
            limit=asked.limit,
            after=read_cursor(asked.after),
            newest_first=asked.order == "desc",
            provider=asked.provider,
        )

    def read_variant(self, request: HttpRequest) -> str:
        variant = request.query.get("variant", "video")
        if variant not in ("video", "thumbnail", "spritesheet", "sprite_sheet"):
            raise InvalidRequest(
                f"variant is video, thumbnail or spritesheet, not {variant[:40]}", param="variant"
            )
        return variant


def check(shape: type[Shape], fields: Mapping[str, Any]) -> Shape:
    """The fields as `shape`; the first that does not fit is named."""
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = str(first["loc"][0])[:80] if first["loc"] else "body"
        raise InvalidRequest(f"{name}: {first['msg']}", param=name) from None


def read_reference(written: str) -> JobReference:
    """`id` or `id:provider`, with whatever escapes a client has put around it."""
    job_id, colon, provider = unquote(written).partition(":")
    if not JOB_ID.fullmatch(job_id):
        raise NotFound("there is no such job", param="video_id")
    if colon and not provider:
        raise InvalidRequest("video_id ends in a colon: id or id:provider", param="video_id")
    return JobReference(job_id, provider or None)


def read_cursor(written: str | None) -> str | None:
    if not written:
        return None
    job_id = unquote(written).partition(":")[0]
    if not JOB_ID.fullmatch(job_id):
        raise InvalidRequest("after is no id of a job", param="after", code="unknown_cursor")
    return job_id


def _read_image(reference: Any) -> tuple[Upload | None, str | None]:  # noqa: ANN401 - as sent
    """A file, a data URL, an address, or OpenAI's object around one of the latter two."""
    if reference is None:
        return None, None
    if isinstance(reference, Upload):
        return reference, None
    if isinstance(reference, dict):
        reference = _read_image_object(reference)
    if isinstance(reference, str) and reference.startswith("data:"):
        return read_data_url("input_reference", reference), None
    if isinstance(reference, str) and urlsplit(reference).scheme in ("http", "https"):
        return None, reference
    raise InvalidRequest(
        "input_reference is neither a file nor a data URL nor an address", param="input_reference"
    )


def _read_image_object(reference: dict[str, Any]) -> Any:  # noqa: ANN401 - judged by the caller
    if set(reference) == {"file_id"}:
        raise UnsupportedOperation(
            "input_reference.file_id: there is no Files API here", param="input_reference"
        )
    if set(reference) != {"image_url"}:
        raise InvalidRequest(
            "input_reference holds exactly one of image_url and file_id", param="input_reference"
        )
    return reference["image_url"]


def _options(body: CreateBody) -> dict[str, Any]:
    options = body.model_extra or {}
    for name, value in options.items():
        if isinstance(value, Upload):
            raise InvalidRequest(
                f"{name[:80]} is a file, and none is wanted there", param=name[:80]
            )
    return options


def status_of(job: Job) -> str:
    """Neither API has a word for cancelled: it is a failure whose code says so."""
    return "failed" if job.status is JobStatus.CANCELLED else job.status.value


def error_of(job: Job) -> dict[str, str] | None:
    if job.status is JobStatus.CANCELLED:
        return {"code": "cancelled", "message": "the job was cancelled"}
    if job.status is JobStatus.FAILED and job.error:
        return {"code": job.error.code, "message": job.error.message}
    return None


def error_type(error: RushesError) -> str:
    match error.http_status:
        case 401:
            return "authentication_error"
        case status if status < 500:
            return "invalid_request_error"
    return "server_error"


def error_fields(error: RushesError) -> dict[str, str | None]:
    """The inner error object: in the same place and with the same names in both APIs."""
    return {
        "message": error.message,
        "type": error_type(error),
        "param": error.param,
        "code": error.error_code,
    }
