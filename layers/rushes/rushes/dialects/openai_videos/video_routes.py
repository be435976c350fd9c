"""How the OpenAI and the Bifrost dialects are read; in writing they differ."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from rushes.dialects.api_key import read_key
from rushes.dialects.base import HttpRequest, JobReference, Route
from rushes.dialects.openai_videos.schemas import CreateBody, EditBody, Listing, RemixBody, check
from rushes.dialects.references import read_cursor, read_picture, read_reference
from rushes.dialects.request_body import read_fields
from rushes.dialects.webhook_param import read_webhook
from rushes.errors import InvalidRequest, TooLarge
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload
from rushes.ports import JobQuery

REQUEST_BYTES = 192 * 1024
"""What a request may have, files apart: it is kept in one row of a table, and 400 KB fit there."""
VARIANTS = ("video", "thumbnail", "spritesheet", "sprite_sheet")


def video_routes(prefix: str) -> tuple[Route, ...]:
    one = f"{prefix}/<job_id>"
    return (
        Route("POST", prefix, "create"),
        Route("GET", prefix, "list"),
        Route("POST", f"{prefix}/edits", "edit"),
        Route("POST", f"{prefix}/extensions", "unsupported"),
        Route("POST", f"{prefix}/characters", "unsupported"),
        Route("GET", f"{prefix}/characters/<job_id>", "unsupported"),
        Route("GET", one, "retrieve"),
        Route("DELETE", one, "delete"),
        Route("GET", f"{one}/content", "content"),
        Route("POST", f"{one}/remix", "remix"),
    )


class VideosDialect:
    modalities = frozenset({"video"})
    listing: ClassVar[type[Listing]] = Listing
    webhook_format = "rushes"
    """In whose words a job is told of to the address that its create call names."""

    def speaker(self, request: HttpRequest) -> Self:  # noqa: ARG002 - the same for all
        return self

    def read_key(self, headers: Mapping[str, str]) -> str:
        return read_key(headers)

    def read_reference(self, written: str) -> JobReference:
        return read_reference(written)

    def read_create(self, request: HttpRequest) -> CreateRequest:
        body = check(CreateBody, read_fields(request.headers, request.body))
        uploads, inputs = read_picture(body.input_reference)
        generation = GenerationRequest(
            model=body.model,
            prompt=body.prompt,
            seconds=body.seconds,
            size=body.size,
            seed=body.seed,
            negative_prompt=body.negative_prompt,
            generate_audio=body.audio,
            inputs=inputs,
            fallbacks=tuple(f"{it.provider}/{it.model}" for it in body.fallbacks),
            provider_options=_options(body),
        )
        check_length(generation)
        webhook = read_webhook(body.webhook, self.webhook_format)
        return CreateRequest(generation, uploads=uploads, webhook=webhook)

    def read_edit(self, request: HttpRequest) -> CreateRequest:
        body = check(EditBody, read_fields(request.headers, request.body))
        generation = GenerationRequest(model="", prompt=body.prompt)
        if isinstance(body.video, Upload):
            return CreateRequest(generation, uploads=((Role.SOURCE_VIDEO, body.video),))
        if isinstance(body.video, dict) and isinstance(body.video.get("id"), str):
            return CreateRequest(generation, source_id=body.video["id"])
        raise InvalidRequest("video is neither a file nor an object with an id", param="video")

    def read_remix(self, request: HttpRequest) -> str:
        return check(RemixBody, read_fields(request.headers, request.body)).prompt

    def read_list(self, request: HttpRequest) -> JobQuery:
        asked = check(self.listing, request.query)
        return JobQuery(
            limit=asked.limit,
            after=read_cursor(asked.after),
            newest_first=asked.order == "desc",
            provider=asked.provider,
        )

    def read_variant(self, request: HttpRequest) -> str:
        variant = request.query.get("variant", "video")
        if variant not in VARIANTS:
            raise InvalidRequest(
                f"variant is video, thumbnail or spritesheet, not {variant[:40]}", param="variant"
            )
        return variant


def _options(body: CreateBody) -> dict[str, Any]:
    options = body.model_extra or {}
    for name, value in options.items():
        if isinstance(value, Upload):
            raise InvalidRequest(
                f"{name[:80]} is a file, and none is wanted there", param=name[:80]
            )
    return options


def check_length(generation: GenerationRequest) -> None:
    length = len(generation.model_dump_json().encode())
    if length > REQUEST_BYTES:
        raise TooLarge(
            f"without files the body has {length} bytes, at most {REQUEST_BYTES} are taken",
            param="body",
        )
