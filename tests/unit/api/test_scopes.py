"""Scopes of API keys, on every route of every API."""

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from rushes.api import auth
from rushes.api.auth import Authenticator
from rushes.api.native.dispatcher import NativeApi
from rushes.api.native.resource import PREFIX
from rushes.api.native.routes import ROUTES as NATIVE_ROUTES
from rushes.api.permissions import SUBMIT_VERBS
from rushes.api.webhooks.routes import ROUTES as WEBHOOK_ROUTES
from rushes.dialects import DIALECTS
from rushes.ports.api_keys import Scope
from rushes.wiring import api as api_wiring
from tests.unit.dialects.api_client import Caller, Reply
from tests.unit.webhooks.client import Client

JOB_ID = "job_" + "0" * 32
READ_VERBS = {
    *("retrieve", "status", "stream", "result", "list", "content", "models", "model"),
    "unsupported",
}


def filled(path: str) -> str:
    """Return a route's path with values in place of its variables."""
    parts = path.replace("(.+)", "x").split("/")
    return "/".join(JOB_ID if part.startswith("<") else part for part in parts)


def all_routes() -> Iterator[tuple[str, str, Scope]]:
    for dialect in DIALECTS:
        for route in dialect.routes:
            scope = Scope.SUBMIT if route.verb in SUBMIT_VERBS else Scope.READ
            yield route.method, filled(route.path), scope
    for webhook_route in WEBHOOK_ROUTES:
        yield webhook_route.method, filled(webhook_route.path), Scope.WEBHOOKS
    for native in NATIVE_ROUTES:
        yield native.method, PREFIX + filled(native.path), native.scope


class Scoped:
    """Clients of all APIs that share one key, whose scopes a test chooses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.caller = Caller(monkeypatch)
        webhooks = Client(monkeypatch)
        webhooks.keys.rows.update(self.caller.keys.rows)
        monkeypatch.setattr(auth, "CACHE_TTL", 0.0)
        services: Any = SimpleNamespace(jobs=self.caller.jobs_api.service)
        native = NativeApi(NATIVE_ROUTES, services, Authenticator(self.caller.keys))
        monkeypatch.setattr(api_wiring, "native_api", lambda: native)
        self.all_keys = (self.caller.keys, webhooks.keys)

    def limit_to(self, *scopes: Scope) -> None:
        for keys in self.all_keys:
            for key_id, key in list(keys.rows.items()):
                keys.rows[key_id] = replace(key, scopes=frozenset(scopes))

    def call(self, method: str, path: str) -> Reply:
        return self.caller.call(method, path, {} if method in ("POST", "PATCH", "PUT") else None)


@pytest.fixture
def scoped(monkeypatch: pytest.MonkeyPatch) -> Scoped:
    return Scoped(monkeypatch)


def test_every_verb_has_a_scope():
    verbs = {route.verb for dialect in DIALECTS for route in dialect.routes}
    assert verbs == SUBMIT_VERBS | READ_VERBS


def test_every_route_needs_its_scope(scoped: Scoped):
    for method, path, needed in all_routes():
        others = [scope for scope in Scope if scope not in (needed, Scope.ADMIN)]
        scoped.limit_to(*others)
        reply = scoped.call(method, path)
        assert reply.status == 403, (method, path, reply)
        assert f"must have the scope {needed}" in reply.text, (method, path, reply.text)
        assert not reply.has_side_effects
        assert all(scope in reply.text for scope in others)


def test_no_route_refuses_a_key_with_its_scope(scoped: Scoped):
    for method, path, needed in all_routes():
        scoped.limit_to(needed)
        assert "must have the scope" not in scoped.call(method, path).text, (method, path)


def test_admin_includes_the_other_scopes(scoped: Scoped):
    scoped.limit_to(Scope.ADMIN)
    for method, path, _ in all_routes():
        assert scoped.call(method, path).status != 403, (method, path)


def test_key_of_a_user_learns_nothing_from_the_routes_of_operators(scoped: Scoped):
    """The refusal is the same whatever the URL names, and whatever the body has."""
    scoped.limit_to(Scope.SUBMIT, Scope.READ, Scope.WEBHOOKS)
    known = next(iter(scoped.caller.keys.rows))
    operators = [route for route in NATIVE_ROUTES if route.path.startswith("/admin/")]
    assert len(operators) >= 12
    for route in operators:
        texts = set()
        for name in (known, "0" * 16, "alice", "bob", "unknown"):
            path = PREFIX + "/".join(
                name if part.startswith("<") else part for part in route.path.split("/")
            )
            reply = scoped.call(route.method, path)
            assert reply.status == 403, (route.path, reply)
            texts.add(reply.text)
        assert len(texts) == 1, route.path
        problem = json.loads(texts.pop())
        assert problem["code"] == "missing_scope"
        assert problem["allowed"] == ["admin"]


MESSAGE = "the API key must have the scope submit for this request (it has: read)"
OPENAI_ERROR = {
    "message": MESSAGE,
    "type": "invalid_request_error",
    "param": "authorization",
    "code": "missing_scope",
}
FAL_DETAIL = f"authorization: {MESSAGE}"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openai/v1/videos", {"error": OPENAI_ERROR}),
        ("/v2/videos", {"error": OPENAI_ERROR}),
        (
            "/v1/input/upload-url",
            {name: OPENAI_ERROR[name] for name in ("message", "code", "param")},
        ),
        ("/queue/sandbox/video", {"detail": FAL_DETAIL}),
        ("/fal/sandbox/video", {"detail": FAL_DETAIL, "error_type": "missing_scope"}),
    ],
)
def test_refusal_has_the_envelope_of_the_dialect(
    scoped: Scoped, path: str, body: dict[str, object]
):
    scoped.limit_to(Scope.READ)
    reply = scoped.call("POST", path)
    assert (reply.status, reply.json) == (403, body)
