"""The API for webhooks, shaped like OpenAI's for endpoints: routes as data, and what they answer.

It stands beside the dialects, at each base URL that OpenAI's SDKs are given here; errors come in
OpenAI's envelope.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from rushes.api.auth import Authenticator
from rushes.api.webhooks import schemas, views
from rushes.api.webhooks.endpoint_service import EndpointService
from rushes.api.webhooks.event_types import every_type, word_of
from rushes.api.webhooks.message_service import MessageService, Resent
from rushes.api.webhooks.routes import NOWHERE
from rushes.dialects.api_key import read_key
from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.dialects.openai_videos.openai import OpenAIDialect
from rushes.dialects.openai_videos.openai_format import JSON, as_json
from rushes.dialects.openai_videos.schemas import check
from rushes.dialects.request_body import read_fields
from rushes.errors import NotFound, RushesError, ServerError
from rushes.webhooks.endpoint import Endpoint

logger = Logger(service="rushes", child=True)

Shape = TypeVar("Shape", bound=BaseModel)
Body = dict[str, Any]


@dataclass(frozen=True)
class WebhookApi:
    endpoint_service: EndpointService
    message_service: MessageService
    authenticator: Authenticator

    def answer(self, verb: str, request: HttpRequest) -> HttpResponse:
        """The answer, whatever happens."""
        try:
            account = self.authenticator.account(read_key(request.headers))
            response = HttpResponse(200, as_json(VERBS[verb](self, account, request)), UNKEPT)
        except RushesError as error:
            response = _refuse(error)
        except Exception:
            logger.exception("unexpected", verb=verb)
            response = _refuse(ServerError("something went wrong on our side"))
        logger.info("answered", surface="webhooks", verb=verb, status=response.status)
        return response

    def _create(self, account: str, request: HttpRequest) -> Body:
        endpoint = self.endpoint_service.create(account, _read(schemas.NewEndpoint, request))
        return views.with_secret(views.endpoint_shown(endpoint), endpoint.secrets)

    def _list(self, account: str, request: HttpRequest) -> Body:
        endpoints, has_more = self.endpoint_service.page(
            account, check(schemas.Page, request.query)
        )
        shown = [views.endpoint_shown(it) for it in endpoints]
        return views.list_shown(shown, "id", has_more=has_more)

    def _retrieve(self, account: str, request: HttpRequest) -> Body:
        return views.endpoint_shown(self._endpoint(account, request))

    def _update(self, account: str, request: HttpRequest) -> Body:
        changes = _read(schemas.EndpointChanges, request)
        return views.endpoint_shown(self.endpoint_service.update(account, _named(request), changes))

    def _delete(self, account: str, request: HttpRequest) -> Body:
        self.endpoint_service.delete(account, _named(request))
        return {"id": _named(request), "object": "webhook_endpoint.deleted", "deleted": True}

    def _rotate(self, account: str, request: HttpRequest) -> Body:
        endpoint = self.endpoint_service.rotate(
            account, _named(request), _read(schemas.Rotation, request)
        )
        return views.with_secret(views.endpoint_shown(endpoint), endpoint.secrets)

    def _test(self, account: str, request: HttpRequest) -> Body:
        endpoint = self._endpoint(account, request)
        sent = self.message_service.test(endpoint, _read(schemas.TestRequest, request).event_type)
        attempt = sent.attempts[0] if sent.attempts else None
        return {
            "object": "webhook_endpoint.test",
            "webhook_endpoint_id": endpoint.id,
            "event_type": word_of(endpoint.format, sent.event["type"]),
            "message_id": sent.message_id,
            "success": attempt is not None and attempt.status_code is not None,
            "status_code": attempt and attempt.status_code,
            "error": attempt.error if attempt else "not_attempted_yet",
        }

    def _attempts(self, account: str, request: HttpRequest) -> Body:
        endpoint = self._endpoint(account, request)
        page = self.message_service.page(endpoint, check(schemas.Page, request.query))
        shown = [views.delivery_shown(it, endpoint) for it in page.deliveries]
        part = views.that_fit(shown)
        has_more = page.has_more or len(part) < len(shown)
        return views.list_shown(part, "message_id", has_more=has_more)

    def _message(self, account: str, request: HttpRequest) -> Body:
        deliveries = self.message_service.message(account, request.variables["message_id"])
        endpoints = {it.id: it for it in self.endpoint_service.endpoints.all(account)}
        return views.message_shown(deliveries, endpoints)

    def _resend_message(self, account: str, request: HttpRequest) -> Body:
        _read(schemas.Nothing, request)
        message_id = request.variables["message_id"]
        resent = self.message_service.resend_message(account, message_id)
        return {"message_id": message_id, **_resent(resent)}

    def _resend(self, account: str, request: HttpRequest) -> Body:
        asked = _read(schemas.ResendRequest, request)
        endpoint = self._endpoint(account, request)
        resent = self.message_service.resend(endpoint, asked)
        return {"webhook_endpoint_id": endpoint.id, **_resent(resent)}

    def _secret(self, account: str, _request: HttpRequest) -> Body:
        return views.secret_shown(self.endpoint_service.request_secrets(account))

    def _rotate_secret(self, account: str, request: HttpRequest) -> Body:
        kept = self.endpoint_service.rotate_request_secrets(
            account, _read(schemas.Rotation, request)
        )
        return views.with_secret(views.secret_shown(kept), kept.secrets)

    def _event_types(self, _account: str, _request: HttpRequest) -> Body:
        return {"object": "list", "data": every_type()}

    def _nowhere(self, _account: str, request: HttpRequest) -> Body:
        raise NotFound(
            f"there is nothing at {request.method} {request.path[:200]}", code="unknown_url"
        )

    def _endpoint(self, account: str, request: HttpRequest) -> Endpoint:
        return self.endpoint_service.get(account, _named(request))


UNKEPT = {**JSON, "cache-control": "no-store"}
"""Some answers hold a secret."""

VERBS: dict[str, Callable[[WebhookApi, str, HttpRequest], Body]] = {
    "create": WebhookApi._create,  # noqa: SLF001 - the table belongs to the class
    "list": WebhookApi._list,  # noqa: SLF001
    "retrieve": WebhookApi._retrieve,  # noqa: SLF001
    "update": WebhookApi._update,  # noqa: SLF001
    "delete": WebhookApi._delete,  # noqa: SLF001
    "rotate": WebhookApi._rotate,  # noqa: SLF001
    "test": WebhookApi._test,  # noqa: SLF001
    "attempts": WebhookApi._attempts,  # noqa: SLF001
    "message": WebhookApi._message,  # noqa: SLF001
    "resend": WebhookApi._resend,  # noqa: SLF001
    "resend_message": WebhookApi._resend_message,  # noqa: SLF001
    "secret": WebhookApi._secret,  # noqa: SLF001
    "rotate_secret": WebhookApi._rotate_secret,  # noqa: SLF001
    "event_types": WebhookApi._event_types,  # noqa: SLF001
    NOWHERE: WebhookApi._nowhere,  # noqa: SLF001
}


def _read(shape: type[Shape], request: HttpRequest) -> Shape:
    return check(shape, read_fields(request.headers, request.body) if request.body else {})


def _named(request: HttpRequest) -> str:
    return request.variables["endpoint_id"]


def _resent(resent: Resent) -> Body:
    return {
        "object": "webhook_resend",
        "resent": resent.count,
        "has_more": resent.last is not None,
        "last_id": resent.last,
    }


def _refuse(error: RushesError) -> HttpResponse:
    if error.http_status >= 500:
        logger.error("not answered", reason=error.message)
        error = type(error)("the service cannot answer at the moment")
    return OpenAIDialect().write_error(error)
