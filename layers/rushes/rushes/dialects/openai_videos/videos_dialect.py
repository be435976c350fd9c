"""Routes and request readers of the OpenAI and the Bifrost dialects; only the writers differ."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rushes.dialects.base import DialectDefaults, HttpRequest, HttpResponse, Route
from rushes.dialects.json_format import as_json
from rushes.dialects.model_list import ListedModel, ModelQuery
from rushes.dialects.openai_models import model_object, read_model_name
from rushes.dialects.openai_videos.input_reference import read_input_reference
from rushes.dialects.openai_videos.list_query import ListQuery, read_cursor
from rushes.dialects.openai_videos.schemas import CreateBody, EditBody, RemixBody
from rushes.dialects.request_body import read_fields
from rushes.dialects.response_headers import MODEL_HEADERS
from rushes.dialects.validation import check_request_size, shown, validate
from rushes.dialects.webhook_param import read_webhook
from rushes.errors import InvalidRequest
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload
from rushes.ports.jobs import JobQuery

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


class VideosDialect(DialectDefaults):
    modalities = frozenset({"video"})
    list_query: ClassVar[type[ListQuery]] = ListQuery
    webhook_format = "rushes"
    """Payload format of a webhook whose create call names none."""

    def read_create(self, request: HttpRequest) -> CreateRequest:
        body = validate(CreateBody, read_fields(request.headers, request.body))
        uploads, inputs = read_input_reference(body.input_reference)
        _refuse_files(body.model_extra or {})
        fallbacks = [f"{model.provider}/{model.model}" for model in body.fallbacks]
        generation = body.generation(inputs=inputs, fallbacks=fallbacks)
        check_request_size(generation)
        webhook = read_webhook(body.webhook, self.webhook_format)
        return CreateRequest(generation, uploads=uploads, webhook=webhook)

    def read_edit(self, request: HttpRequest) -> CreateRequest:
        body = validate(EditBody, read_fields(request.headers, request.body))
        generation = GenerationRequest(model="", prompt=body.prompt)
        if isinstance(body.video, Upload):
            return CreateRequest(generation, uploads=((Role.SOURCE_VIDEO, body.video),))
        if isinstance(body.video, dict) and isinstance(body.video.get("id"), str):
            return CreateRequest(generation, source_id=body.video["id"])
        raise InvalidRequest("video must be a file or an object with an id", param="video")

    def read_remix(self, request: HttpRequest) -> str:
        return validate(RemixBody, read_fields(request.headers, request.body)).prompt

    def read_list(self, request: HttpRequest) -> JobQuery:
        query = validate(self.list_query, request.query)
        return JobQuery(
            limit=query.limit,
            after=read_cursor(query.after),
            newest_first=query.order == "desc",
            provider=query.provider,
        )

    def read_variant(self, request: HttpRequest) -> str:
        variant = request.query.get("variant", "video")
        if variant not in VARIANTS:
            raise InvalidRequest(
                f"variant must be video, thumbnail or spritesheet (got {shown(variant)})",
                param="variant",
            )
        return variant

    def read_model_query(self, request: HttpRequest) -> ModelQuery:  # noqa: ARG002 - for Bifrost
        return ModelQuery()

    def read_model_name(self, request: HttpRequest) -> str:
        return read_model_name(request)

    def write_model(self, model: ListedModel) -> HttpResponse:
        return HttpResponse(200, as_json(model_object(model)), MODEL_HEADERS)


def _refuse_files(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if isinstance(value, Upload):
            raise InvalidRequest(f"{name[:80]} must not be a file", param=name[:80])
