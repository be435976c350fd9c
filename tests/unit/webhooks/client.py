"""A client of the API for webhooks, with everything behind it in memory."""

import json
import socket
from typing import Any

import pytest

from functions.api.app import lambda_handler
from rushes import wiring
from rushes.api.auth import Authenticator, create_api_key
from rushes.api.webhooks.endpoint_service import EndpointService
from rushes.api.webhooks.handlers import WebhookApi
from rushes.api.webhooks.message_service import MessageService
from rushes.http import ssrf
from rushes.http.url_policy import PublicUrlPolicy
from tests.fakes import FakeKeys
from tests.unit.dialects.api_client import CONTEXT, Reply, event
from tests.unit.webhooks.harness import Harness

URL = "https://hooks.example/in"
NAMES = {"hooks.example": ("203.0.114.7",), "mixed.example": ("203.0.114.7", "10.0.0.7")}
"""What our resolver knows."""


class Client:
    """`account` one's, unless a key says otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, local_mode: bool = False) -> None:
        self.harness = Harness()
        self.keys = FakeKeys()
        self.key, self.other_accounts_key = self.new_key("one"), self.new_key("two")
        endpoint_service = EndpointService(
            self.harness.endpoints, PublicUrlPolicy(local_mode=local_mode), self.harness.clock
        )
        message_service = MessageService(
            self.harness.endpoints,
            self.harness.deliveries,
            self.harness.mailer,
            self.harness.clock,
            self.harness.run,
        )
        surface = WebhookApi(endpoint_service, message_service, Authenticator(self.keys))
        monkeypatch.setattr(wiring, "webhook_api", lambda: surface)
        monkeypatch.setattr(ssrf, "resolve", resolve)

    def new_key(self, account: str) -> str:
        key, record = create_api_key(account, self.harness.clock())
        self.keys.add(record)
        return key

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Reply:
        """`path` below `/v1/`. A dict is sent as JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        whole = path if path.startswith("/") else f"/v1/{path}"
        answer = lambda_handler(
            event(method, whole, content, {**sent, **(headers or {})}, query), CONTEXT
        )
        named = {name.lower(): value for name, value in answer["headers"].items()}
        return Reply(answer["statusCode"], named, answer.get("body") or "")

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        return self.call("POST", path, body, headers)

    def get(self, path: str, **query: str) -> Reply:
        return self.call("GET", path, query=query)

    def made(self, **fields: Any) -> dict[str, Any]:
        """A new endpoint, as it was shown."""
        reply = self.post("webhook_endpoints", {"url": URL, **fields})
        assert reply.status == 200, reply
        shown: dict[str, Any] = reply.json
        return shown


def resolve(host: str, _port: int) -> tuple[str, ...]:
    if host not in NAMES:
        raise socket.gaierror(f"{host} is unknown")
    return NAMES[host]


def refused(reply: Reply, param: str | None, status: int = 400) -> None:
    """The client's fault, in OpenAI's envelope, and it names the field."""
    assert reply.status == status, reply
    assert set(reply.json) == {"error"}
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}
    assert reply.json["error"]["message"]
    assert reply.param == param, reply
