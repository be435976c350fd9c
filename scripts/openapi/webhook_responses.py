"""Response schemas of the webhook API."""

from typing import Literal

from scripts.openapi.shared_responses import Closed, Open


class WebhookEndpoint(Closed):
    id: str
    object: Literal["webhook_endpoint"]
    name: str
    url: str
    event_types: list[str]
    format: str
    status: Literal["enabled", "disabled"]
    disabled_reason: str | None
    failing_since: int | None
    signing_secret_hint: str
    created_at: int
    updated_at: int


class WebhookEndpointWithSecret(WebhookEndpoint):
    """The only response with the secret."""

    signing_secret: str


class WebhookEndpointPage(Closed):
    object: Literal["list"]
    data: list[WebhookEndpoint]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedWebhookEndpoint(Closed):
    id: str
    object: Literal["webhook_endpoint.deleted"]
    deleted: Literal[True]


class WebhookTest(Closed):
    object: Literal["webhook_endpoint.test"]
    webhook_endpoint_id: str
    event_type: str
    message_id: str
    success: bool
    status_code: int | None
    error: str | None


class WebhookAttempt(Closed):
    object: Literal["webhook_attempt"]
    number: int
    kind: str
    attempted_at: int
    status_code: int | None
    error: str | None
    latency_ms: int | None
    response_excerpt: str | None


class WebhookDelivery(Closed):
    object: Literal["webhook_delivery"]
    message_id: str
    webhook_endpoint_id: str | None
    url: str | None
    format: str
    event_type: str
    status: str
    created_at: int
    next_attempt_at: int | None
    attempts: list[WebhookAttempt]


class WebhookDeliveryPage(Closed):
    object: Literal["list"]
    data: list[WebhookDelivery]
    first_id: str | None
    last_id: str | None
    has_more: bool


class WebhookMessage(Closed):
    id: str
    object: Literal["webhook_message"]
    event: Open
    deliveries: list[WebhookDelivery]
    has_more: bool


class WebhookResend(Closed):
    object: Literal["webhook_resend"]
    webhook_endpoint_id: str = ""
    message_id: str = ""
    resent: int
    has_more: bool
    last_id: str | None


class WebhookSecret(Closed):
    """The secret that signs the webhooks of create calls."""

    object: Literal["webhook_secret"]
    signing_secret_hint: str


class NewWebhookSecret(WebhookSecret):
    signing_secret: str


class WebhookEventTypes(Closed):
    object: Literal["list"]
    data: list[str]
