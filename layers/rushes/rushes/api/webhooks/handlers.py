"""Webhook API: authenticate, run the verb, serialize. Errors have OpenAI's envelope."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from rushes.api.auth import Authenticator
from rushes.api.log_events import UNEXPECTED_ERROR
from rushes.api.permissions import require_scope
from rushes.api.request_log import RequestLog
from rushes.api.webhooks import schemas, views
from rushes.api.webhooks.endpoint_service import EndpointService
from rushes.api.webhooks.event_types import all_event_types, event_type_for
from rushes.api.webhooks.message_service import MessageService, Resent
from rushes.dialects.api_key import read_key
from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.dialects.json_format import as_json
from rushes.dialects.openai_videos.openai import OpenAIDialect
from rushes.dialects.query import check_query
from rushes.dialects.request_body import parse_body
from rushes.dialects.response_headers import NO_STORE_HEADERS, retry_headers
from rushes.dialects.validation import validate
from rushes.errors import RushesError, ServerError
from rushes.ports.api_keys import Scope
from rushes.redaction import REDACTOR
from rushes.webhooks.endpoint import Endpoint

logger = Logger(service="rushes", child=True)

Model = TypeVar("Model", bound=BaseModel)
Json = dict[str, Any]
"""Some responses contain a secret."""
PAGED_VERBS = frozenset({"list", "attempts"})
SECRET_VERBS = frozenset({"create", "rotate", "rotate_secret"})
"""Their responses contain a signing secret on purpose."""


@dataclass(frozen=True)
class WebhookApi:
    endpoints: EndpointService
    messages: MessageService
    authenticator: Authenticator

    def answer(self, verb: str, request: HttpRequest) -> HttpResponse:
        """Handle a request; every exception becomes an error response."""
        log = RequestLog(request)
        try:
            log.identity = self.authenticator.identify(request, read_key)
            require_scope(log.identity.scopes, Scope.WEBHOOKS)
            check_query(request, schemas.Page.model_fields if verb in PAGED_VERBS else ())
            body = as_json(VERBS[verb](self, log.identity.account, request))
            shown = body if verb in SECRET_VERBS else REDACTOR.redact(body)
            response = HttpResponse(200, shown, NO_STORE_HEADERS)
        except RushesError as error:
            response = _error_response(error, log)
        except Exception:
            logger.exception(UNEXPECTED_ERROR, **log.ids(), dialect="webhooks", verb=verb)
            response = _error_response(ServerError("internal error"), log)
        log.completed(response, "webhooks", verb)
        return response

    def endpoint(self, account: str, request: HttpRequest) -> Endpoint:
        return self.endpoints.get(account, _endpoint_id(request))


def create(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    endpoint = api.endpoints.create(account, _read(schemas.NewEndpoint, request))
    return _with_secret(api, endpoint)


def list_endpoints(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    endpoints, has_more = api.endpoints.page(account, validate(schemas.Page, request.query))
    entries = [views.serialize_endpoint(endpoint) for endpoint in endpoints]
    return views.serialize_list(entries, "id", has_more=has_more)


def retrieve(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    return views.serialize_endpoint(api.endpoint(account, request))


def update(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    changes = _read(schemas.EndpointChanges, request)
    return views.serialize_endpoint(api.endpoints.update(account, _endpoint_id(request), changes))


def delete(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    api.endpoints.delete(account, _endpoint_id(request))
    return {"id": _endpoint_id(request), "object": "webhook_endpoint.deleted", "deleted": True}


def rotate(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    body = _read(schemas.Rotation, request)
    endpoint = api.endpoints.rotate(account, _endpoint_id(request), body)
    return _with_secret(api, endpoint)


def test(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    endpoint = api.endpoint(account, request)
    delivery = api.messages.test(endpoint, _read(schemas.TestRequest, request).event_type)
    attempt = delivery.attempts[0] if delivery.attempts else None
    return {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": endpoint.id,
        "event_type": event_type_for(endpoint.format, delivery.event["type"]),
        "message_id": delivery.message_id,
        "success": attempt is not None and attempt.status_code is not None,
        "status_code": attempt and attempt.status_code,
        "error": attempt.error if attempt else "not_attempted_yet",
    }


def list_attempts(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    endpoint = api.endpoint(account, request)
    page = api.messages.page(endpoint, validate(schemas.Page, request.query))
    entries = [views.serialize_delivery(delivery, endpoint) for delivery in page.deliveries]
    part = views.fit_response(entries)
    has_more = page.has_more or len(part) < len(entries)
    return views.serialize_list(part, "message_id", has_more=has_more)


def resend(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    body = _read(schemas.ResendRequest, request)
    endpoint = api.endpoint(account, request)
    return {"webhook_endpoint_id": endpoint.id, **_resent(api.messages.resend(endpoint, body))}


def retrieve_message(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    deliveries = api.messages.message(account, request.variables["message_id"])
    endpoints = {endpoint.id: endpoint for endpoint in api.endpoints.endpoints.all(account)}
    return views.serialize_message(deliveries, endpoints)


def resend_message(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    _read(schemas.EmptyRequest, request)
    message_id = request.variables["message_id"]
    return {"message_id": message_id, **_resent(api.messages.resend_message(account, message_id))}


def retrieve_secret(api: WebhookApi, account: str, _request: HttpRequest) -> Json:
    return views.serialize_secrets(api.endpoints.signing_secrets.of_requests(account))


def rotate_secret(api: WebhookApi, account: str, request: HttpRequest) -> Json:
    stored = api.endpoints.rotate_request_secrets(account, _read(schemas.Rotation, request))
    newest = api.endpoints.signing_secrets.newest(stored)
    return views.with_secret(views.serialize_secrets(stored), newest)


def list_event_types(_api: WebhookApi, _account: str, _request: HttpRequest) -> Json:
    return {"object": "list", "data": all_event_types()}


VERBS: dict[str, Callable[[WebhookApi, str, HttpRequest], Json]] = {
    "create": create,
    "list": list_endpoints,
    "retrieve": retrieve,
    "update": update,
    "delete": delete,
    "rotate": rotate,
    "test": test,
    "attempts": list_attempts,
    "message": retrieve_message,
    "resend": resend,
    "resend_message": resend_message,
    "secret": retrieve_secret,
    "rotate_secret": rotate_secret,
    "event_types": list_event_types,
}


def _read(model: type[Model], request: HttpRequest) -> Model:
    return validate(model, parse_body(request.headers, request.body) if request.body else {})


def _endpoint_id(request: HttpRequest) -> str:
    return request.variables["endpoint_id"]


def _with_secret(api: WebhookApi, endpoint: Endpoint) -> Json:
    newest = api.endpoints.signing_secrets.newest(endpoint)
    return views.with_secret(views.serialize_endpoint(endpoint), newest)


def _resent(resent: Resent) -> Json:
    return {
        "object": "webhook_resend",
        "resent": resent.count,
        "has_more": resent.last is not None,
        "last_id": resent.last,
    }


def _error_response(error: RushesError, log: RequestLog) -> HttpResponse:
    """Hide the message of a server error from the client."""
    if error.http_status >= 500:
        log.failed(error)
        error = type(error)("the service is temporarily unavailable")
    response = OpenAIDialect().write_error(error)
    return replace(response, headers={**response.headers, **retry_headers(error)})
