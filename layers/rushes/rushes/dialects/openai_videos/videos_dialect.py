"""Routes and request readers of the OpenAI and the Bifrost dialects; only the writers differ."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rushes.dialects.base import DialectDefaults, HttpRequest, HttpResponse, Route, Verb
from rushes.dialects.content_query import QUERY_NAMES, ContentQuery, read_content_query
from rushes.dialects.input_files import Files, read_file
from rushes.dialects.json_format import as_json
from rushes.dialects.model_list import ListedModel, ModelQuery
from rushes.dialects.openai_models import model_object, read_model_name
from rushes.dialects.openai_videos.input_reference import read_input_reference
from rushes.dialects.openai_videos.list_query import ListQuery, read_cursor
from rushes.dialects.openai_videos.schemas import CreateBody, EditBody, Fallback, RemixBody
from rushes.dialects.request_body import read_fields
from rushes.dialects.response_headers import MODEL_HEADERS
from rushes.dialects.validation import check_request_size, shown, validate
from rushes.dialects.webhook_param import read_webhook
from rushes.errors import InvalidRequest
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload
from rushes.ports.jobs import JobQuery


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
    query_names: ClassVar[Mapping[Verb, Collection[str]]] = {
        "list": ListQuery.model_fields,
        "content": QUERY_NAMES,
    }
    create_body: ClassVar[type[CreateBody]] = CreateBody
    list_query: ClassVar[type[ListQuery]] = ListQuery
    webhook_format = "rushes"
    """Payload format of a webhook whose create call names none."""

    def read_create(self, request: HttpRequest) -> CreateRequest:
        body = validate(self.create_body, read_fields(request.headers, request.body))
        uploads, inputs = self.read_inputs(body)
        _refuse_files(body.model_extra or {})
        generation = body.generation(inputs=inputs, fallbacks=names_of(body.fallbacks))
        check_request_size(generation)
        webhook = read_webhook(body.webhook, self.webhook_format)
        return CreateRequest(generation, uploads=uploads, webhook=webhook, labels=body.labels())

    def read_edit(self, request: HttpRequest) -> CreateRequest:
        body = validate(EditBody, read_fields(request.headers, request.body))
        return replace(self._edit_of(body), labels=body.labels())

    def _edit_of(self, body: EditBody) -> CreateRequest:
        generation = GenerationRequest(model="", prompt=body.prompt)
        if isinstance(body.video, Upload):
            return CreateRequest(generation, uploads=((Role.SOURCE_VIDEO, body.video),))
        match body.video:
            case {"id": str(source_id)}:
                return CreateRequest(generation, source_id=source_id)
            case {"url": str(url), **others} if not others:
                uploads, inputs = read_file("video", Role.SOURCE_VIDEO, url)
                edited = generation.model_copy(update={"inputs": inputs})
                return CreateRequest(edited, uploads=uploads)
            case _:
                raise InvalidRequest(
                    "video must be a file, or an object with an id or a url"
                    f" (got {shown(body.video)})",
                    param="video",
                )

    def read_inputs(self, body: CreateBody) -> Files:
        return read_input_reference(body.input_reference)

    def read_remix(self, request: HttpRequest) -> CreateRequest:
        body = validate(RemixBody, read_fields(request.headers, request.body))
        fallbacks = names_of(body.fallbacks)
        generation = GenerationRequest(model="", prompt=body.prompt, fallbacks=fallbacks)
        check_request_size(generation)
        webhook = read_webhook(body.webhook, self.webhook_format)
        return CreateRequest(generation, webhook=webhook, labels=body.labels())

    def read_list(self, request: HttpRequest) -> JobQuery:
        query = validate(self.list_query, request.query)
        return JobQuery(
            limit=query.limit,
            after=read_cursor(query.after),
            newest_first=query.order == "desc",
            provider=query.provider,
        )

    def read_content_query(self, request: HttpRequest) -> ContentQuery:
        return read_content_query(request.query, request.headers)

    def read_model_query(self, request: HttpRequest) -> ModelQuery:  # noqa: ARG002 - for Bifrost
        return ModelQuery()

    def read_model_name(self, request: HttpRequest) -> str:
        return read_model_name(request)

    def write_model(self, model: ListedModel) -> HttpResponse:
        return HttpResponse(200, as_json(model_object(model)), MODEL_HEADERS)


def names_of(fallbacks: Sequence[Fallback]) -> tuple[str, ...]:
    return tuple(f"{fallback.provider}/{fallback.model}" for fallback in fallbacks)


def _refuse_files(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if isinstance(value, Upload):
            raise InvalidRequest(f"{name[:80]} must not be a file", param=name[:80])
