"""Client of the webhook API on in-memory adapters."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from functions.api.app import lambda_handler
from rushes.api.auth import Authenticator
from rushes.api.key_hashing import create_api_key
from rushes.api.webhooks.endpoint_service import EndpointService
from rushes.api.webhooks.handlers import WebhookApi
from rushes.http import ssrf
from rushes.http.url_policy import PublicUrlPolicy
from rushes.wiring import api as api_wiring
from tests.fakes import FakeKeys
from tests.unit.dialects.api_client import CONTEXT, Reply, Texts, event
from tests.unit.webhooks.harness import URL, Harness

ENDPOINTS = "webhook_endpoints"
NAMES = {"hooks.example": ("203.0.114.7",), "mixed.example": ("203.0.114.7", "10.0.0.7")}
"""DNS records of the tests."""


class Client:
    """Sends the key of account `one` by default."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, local_mode: bool = False) -> None:
        self.harness = Harness()
        self.keys = FakeKeys()
        self.key, self.other_accounts_key = self.new_key("one"), self.new_key("two")
        self.other_account = {"authorization": f"Bearer {self.other_accounts_key}"}
        endpoint_service = EndpointService(
            self.harness.endpoints,
            self.harness.signing_secrets,
            PublicUrlPolicy(local_mode=local_mode),
            self.harness.clock,
        )
        api = WebhookApi(endpoint_service, self.harness.messages, Authenticator(self.keys))
        monkeypatch.setattr(api_wiring, "webhook_api", lambda: api)
        monkeypatch.setattr(ssrf, "resolve", resolve)

    def new_key(self, account: str) -> str:
        key, record = create_api_key(account, self.harness.clock())
        self.keys.add(record)
        return key

    def call(
        self, method: str, path: str, body: Any = None, headers: Texts = None, query: Texts = None
    ) -> Reply:
        """Send a request to `path`, relative to `/v1/`; encode all but bytes as JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        full_path = path if path.startswith("/") else f"/v1/{path}"
        request = event(method, full_path, content, {**sent, **(headers or {})}, query)
        answer = lambda_handler(request, CONTEXT)
        response_headers = {name.lower(): value for name, value in answer["headers"].items()}
        return Reply(answer["statusCode"], response_headers, answer.get("body") or "")

    def post(self, path: str, body: Any = None, headers: Texts = None) -> Reply:
        return self.call("POST", path, body, headers)

    def get(self, path: str, **query: str) -> Reply:
        return self.call("GET", path, query=query)

    def pages(self, path: str, **query: str) -> Iterator[Reply]:
        """Yield all pages of a list."""
        while True:
            reply = self.get(path, **query)
            yield reply
            if not reply.json["has_more"]:
                return
            query["after"] = reply.json["last_id"]

    def create_endpoint(self, **fields: Any) -> Any:
        reply = self.post(ENDPOINTS, {"url": URL, **fields})
        assert reply.status == 200, reply
        return reply.json


def path(shown: dict[str, Any], rest: str = "") -> str:
    return f"{ENDPOINTS}/{shown['id']}{rest}"


def resolve(host: str, _port: int) -> tuple[str, ...]:
    if host not in NAMES:
        raise socket.gaierror(f"{host} is unknown")
    return NAMES[host]


def assert_refused(reply: Reply, param: str | None, status: int = 400, code: str = "") -> None:
    """Assert an error in OpenAI's envelope with this field and code."""
    assert reply.status == status, reply
    assert set(reply.json) == {"error"}
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}
    assert reply.json["error"]["message"]
    assert reply.param == param, reply
    assert code in ("", reply.code)
