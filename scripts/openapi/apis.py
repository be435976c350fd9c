"""The APIs of the documents: the request and the response schema of each verb of each dialect."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, Field, create_model

from rushes.api.webhooks import routes as webhook_routes
from rushes.api.webhooks import schemas as webhook_schemas
from rushes.api.webhooks.handlers import PAGED_VERBS
from rushes.api.webhooks.routes import WebhookRoute
from rushes.dialects import BIFROST, FAL, OPENAI, PIPELET, TIYARO, TOGETHER
from rushes.dialects.base import Dialect, Route, Verb
from rushes.dialects.fal_queue.fal_arguments import FILES, _Arguments
from rushes.dialects.fal_queue.fal_storage import InitiateBody
from rushes.dialects.fal_queue.pipelet_body import _Body
from rushes.dialects.openai_videos.schemas import (
    BifrostCreateBody,
    CreateBody,
    EditBody,
    RemixBody,
)
from rushes.dialects.tiyaro.schemas import SubmitBody
from rushes.dialects.together.schemas import CreateVideoBody
from rushes.dialects.upload_url import UploadBody
from scripts.openapi import queue_responses as queue
from scripts.openapi import shared_responses as shared
from scripts.openapi import video_responses as video
from scripts.openapi import webhook_responses as webhooks

JSON, FORM = "application/json", "multipart/form-data"
SSE = "text/event-stream"


@dataclass(frozen=True)
class Operation:
    """A verb. `response` is None without a body; `also` has further statuses with their schemas.

    `errors` has the statuses of errors beside those of each operation.
    """

    summary: str
    response: type[BaseModel] | None
    status: int = 200
    body: type[BaseModel] | None = None
    body_types: tuple[str, ...] = (JSON,)
    also: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    errors: tuple[int, ...] = ()


@dataclass(frozen=True)
class Api:
    """`query_names` has the query parameters by verb."""

    name: str
    title: str
    routes: Sequence[Route | WebhookRoute]
    query_names: Mapping[str, Collection[str]]
    error: type[BaseModel]
    operations: Mapping[str, Operation]


def _of_dialect(
    title: str, dialect: Dialect, error: type[BaseModel], operations: Mapping[Verb, Operation]
) -> Api:
    query_names = {str(verb): names for verb, names in dialect.query_names.items()}
    by_verb = {str(verb): operation for verb, operation in operations.items()}
    return Api(dialect.name, title, dialect.routes, query_names, error, by_verb)


class FalArguments(_Arguments):
    """The arguments of most models; each model has its own besides."""


class PipeletCreateBody(_Body):
    """`width`, `height` and `duration` select the video; `data_uri` is an image."""


FalCreateBody = create_model(
    "FalCreateBody",
    __base__=FalArguments,
    **{name: (str | list[str] | None, Field(None, description="A URL.")) for name in FILES},  # type: ignore[call-overload]
)
FORMS = (JSON, FORM)
CONTENT = "Redirect to a presigned URL of the content, or return a small file or a range itself"


def _videos(
    create: type[BaseModel],
    job: type[BaseModel],
    page: type[BaseModel],
    deleted: type[BaseModel],
    models: type[BaseModel],
) -> dict[Verb, Operation]:
    return {
        "create": Operation("Create a video job", job, body=create, body_types=FORMS),
        "edit": Operation("Create a job from a video", job, body=EditBody, body_types=FORMS),
        "remix": Operation("Create a job from a job's video", job, body=RemixBody),
        "retrieve": Operation("Retrieve a video job", job),
        "list": Operation("List the account's video jobs", page),
        "delete": Operation("Delete a video job and its files; cancels a running one", deleted),
        "content": Operation(CONTENT, None, status=302, also={200: None, 206: None}),
        "models": Operation("List the models", models),
        "model": Operation("Retrieve a model", shared.Model),
    }


def _queue(
    create: type[BaseModel], submitted: type[BaseModel], status: type[BaseModel]
) -> dict[Verb, Operation]:
    return {
        "create": Operation("Submit a request to a model", submitted, body=create),
        "status": Operation("Retrieve the status of a request", status),
        "stream": Operation("Stream the statuses as server-sent events", None, also={307: None}),
    }


WEBHOOKS = Api(
    "webhooks",
    "Webhook API",
    webhook_routes.ROUTES,
    {verb: tuple(webhook_schemas.Page.model_fields) for verb in PAGED_VERBS},
    shared.OpenAIErrorResponse,
    {
        "create": Operation(
            "Create an endpoint",
            webhooks.WebhookEndpointWithSecret,
            body=webhook_schemas.NewEndpoint,
        ),
        "list": Operation("List the endpoints", webhooks.WebhookEndpointPage),
        "retrieve": Operation("Retrieve an endpoint", webhooks.WebhookEndpoint),
        "update": Operation(
            "Change an endpoint", webhooks.WebhookEndpoint, body=webhook_schemas.EndpointChanges
        ),
        "delete": Operation("Delete an endpoint", webhooks.DeletedWebhookEndpoint),
        "rotate": Operation(
            "Replace the signing secret of an endpoint",
            webhooks.WebhookEndpointWithSecret,
            body=webhook_schemas.Rotation,
        ),
        "test": Operation(
            "Send a test event", webhooks.WebhookTest, body=webhook_schemas.TestRequest
        ),
        "attempts": Operation("List the deliveries", webhooks.WebhookDeliveryPage),
        "resend": Operation(
            "Deliver messages again", webhooks.WebhookResend, body=webhook_schemas.ResendRequest
        ),
        "message": Operation("Retrieve a message", webhooks.WebhookMessage),
        "resend_message": Operation("Deliver a message again", webhooks.WebhookResend),
        "secret": Operation(
            "Retrieve the hint of the secret for create calls", webhooks.WebhookSecret
        ),
        "rotate_secret": Operation(
            "Replace the secret for create calls",
            webhooks.NewWebhookSecret,
            body=webhook_schemas.Rotation,
        ),
        "event_types": Operation("List the event types", webhooks.WebhookEventTypes),
    },
)
APIS = (
    _of_dialect(
        "OpenAI video API",
        OPENAI,
        shared.OpenAIErrorResponse,
        _videos(
            CreateBody,
            video.OpenAIVideo,
            video.OpenAIVideoPage,
            video.OpenAIDeletedVideo,
            shared.ModelList,
        ),
    ),
    _of_dialect(
        "Bifrost video API",
        BIFROST,
        video.BifrostErrorResponse,
        {
            **_videos(
                BifrostCreateBody,
                video.BifrostVideo,
                video.BifrostVideoPage,
                video.BifrostDeletedVideo,
                video.BifrostModelList,
            ),
            "upload": Operation(
                "Create a URL for a large file, which the requests of every API may contain",
                shared.UploadUrl,
                status=201,
                body=UploadBody,
            ),
        },
    ),
    _of_dialect(
        "Together video API",
        TOGETHER,
        shared.OpenAIErrorResponse,
        {
            "create": Operation("Create a video job", video.TogetherVideo, body=CreateVideoBody),
            "retrieve": Operation("Retrieve a video job", video.TogetherVideo),
            "models": Operation("List the models", video.TogetherModels),
        },
    ),
    _of_dialect(
        "Pipelet queue API",
        PIPELET,
        queue.PipeletErrorResponse,
        {
            **_queue(PipeletCreateBody, queue.PipeletRequest, queue.PipeletStatus),
            "result": Operation(
                "Retrieve the result of a request",
                queue.PipeletResult,
                also={406: queue.PipeletLargeResult},
                errors=(409, 422),
            ),
            "cancel": Operation("Cancel a queued request", None, status=204, errors=(409,)),
        },
    ),
    _of_dialect(
        "fal queue API",
        FAL,
        queue.FalErrorResponse,
        {
            **_queue(FalCreateBody, queue.FalRequest, queue.FalStatus),
            "status": Operation(
                "Retrieve the status of a request",
                queue.FalStatus,
                also={202: queue.FalStatus},
            ),
            "result": Operation("Retrieve the result of a request", queue.FalResult, errors=(422,)),
            "cancel": Operation(
                "Cancel a request",
                queue.FalCancellation,
                status=202,
                also={400: queue.FalCancellation},
            ),
            "models": Operation("List the models", queue.FalModelPage),
            "upload": Operation("Create an upload URL", queue.FalUploadUrl, body=InitiateBody),
        },
    ),
    _of_dialect(
        "Tiyaro inference API",
        TIYARO,
        queue.TiyaroErrorResponse,
        {
            "upload": Operation("Create an upload URL", queue.TiyaroUploadUrl, status=201),
            "create": Operation("Submit a job", queue.TiyaroJob, status=202, body=SubmitBody),
            "retrieve": Operation("Retrieve a job", queue.TiyaroJob),
        },
    ),
    WEBHOOKS,
)
