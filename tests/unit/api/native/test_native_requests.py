"""Requests of the native API: URLs, methods, keys, scopes, bodies and unexpected errors."""

import json
from dataclasses import replace
from typing import Any

import pytest

from rushes.api.native.resource import Route
from rushes.api.native.routes import ROUTES
from rushes.errors import AwsUnavailable
from rushes.ports.api_keys import Scope
from tests.unit.api.native.native_caller import FIELDS, JOBS, NativeCaller, assert_problem


def path_of(route: Route) -> str:
    """Return a URL of a route; its records do not exist."""
    path = f"/rushes/v1{route.path}".replace("<path:name>", "absent/nothing")
    for name in ("job_id", "key_id", "account", "name", "provider"):
        path = path.replace(f"<{name}>", "0123456789abcdef")
    assert "<" not in path
    return path


def with_scopes(native: NativeCaller, *scopes: Scope) -> str:
    key = native.new_key("alice")
    record = native.keys.rows[key.split("_")[1]]
    native.keys.add(replace(record, scopes=frozenset(scopes)))
    return key


@pytest.mark.parametrize("path", ["/rushes", "/rushes/v1", "/rushes/v1/nothing", "/rushes/v2/jobs"])
def test_unknown_url_is_a_problem(native: NativeCaller, path: str):
    assert_problem(native.send("GET", path), 404, code="unknown_url", text=f"GET {path}")


def test_other_method_is_refused_with_those_of_the_url(native: NativeCaller):
    reply = native.send("PUT", JOBS, {})
    assert_problem(reply, 405, code="method_not_allowed", text="GET or HEAD or POST")
    assert reply.json["allowed"] == ["GET", "HEAD", "POST"]
    assert reply.headers["allow"] == "GET, HEAD, POST"


def test_options_is_refused(native: NativeCaller):
    assert_problem(native.send("OPTIONS", JOBS), 405)


def test_head_has_the_headers_of_get(native: NativeCaller):
    job = native.new_job()
    found = native.send("HEAD", f"{JOBS}/{job.id}")
    assert (found.status, found.text) == (200, "")
    absent = native.send("HEAD", f"{JOBS}/job_{'0' * 32}")
    assert (absent.status, absent.text) == (404, "")
    assert absent.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_needs_a_key(native: NativeCaller, route: Route):
    missing = native.send(route.method, path_of(route), {}, {"authorization": ""})
    assert_problem(missing, 401, "authorization", "missing_api_key")
    wrong = native.send(route.method, path_of(route), {}, {"authorization": "Bearer rk_0_0"})
    assert_problem(wrong, 401, code="invalid_api_key")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_needs_its_scope(native: NativeCaller, route: Route):
    others = [scope for scope in Scope if scope not in (route.scope, Scope.ADMIN)]
    reply = native.send(
        route.method,
        path_of(route),
        {},
        {"authorization": f"Bearer {with_scopes(native, *others)}"},
    )
    assert_problem(reply, 403, "authorization", "missing_scope", text=f"the scope {route.scope}")
    assert reply.json["allowed"] == [route.scope.value]


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if "/admin/" in route.path], ids=lambda route: route.name
)
def test_admin_routes_are_for_admin_keys(route: Route):
    assert route.scope is Scope.ADMIN


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_refuses_an_unknown_query_parameter(native: NativeCaller, route: Route):
    key = with_scopes(native, Scope.ADMIN)
    headers = {"authorization": f"Bearer {key}"}
    reply = native.send(route.method, path_of(route), {}, headers, {"verbose": "1"})
    assert_problem(reply, 400, "verbose", text="verbose is not supported")


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.method != "GET"], ids=lambda route: route.name
)
@pytest.mark.parametrize(
    ("body", "headers", "param"),
    [
        ("{", {}, "body"),
        ("[]", {}, "body"),
        ('"text"', {}, "body"),
        ("null", {}, "body"),
        ('{"a": 1, "a": 2}', {}, "a"),
        (b'{"a": "\xff"}', {}, "body"),
        ('{"nonsense": 1}', {}, "nonsense"),
        ("a=1", {"content-type": "application/x-www-form-urlencoded"}, "content-type"),
        ("x", {"content-type": "multipart/form-data; boundary=x"}, "content-type"),
        ("{}", {"content-type": "application/xml"}, "content-type"),
        ("{}", {"content-type": "application/json; charset=nonsense"}, "body"),
        ("{}", {"content-encoding": "gzip"}, "content-encoding"),
    ],
)  # fmt: skip
def test_invalid_body_is_refused(
    native: NativeCaller, route: Route, body: Any, headers: Any, param: str
):
    key = with_scopes(native, Scope.ADMIN)
    reply = native.send(
        route.method, path_of(route), body, {"authorization": f"Bearer {key}", **headers}
    )
    required = [name for name, field in route.body.model_fields.items() if field.is_required()]
    assert_problem(reply, 400, required[0] if param == "nonsense" and required else param)


def test_body_is_read_in_its_charset(native: NativeCaller):
    body = json.dumps({**FIELDS, "prompt": "café"}, ensure_ascii=False)
    for charset in ("utf-8", "utf-16", "latin-1"):
        headers = {"content-type": f"application/json; charset={charset}"}
        reply = native.send("POST", JOBS, body.encode(charset), headers)
        assert reply.json["parameters"]["prompt"] == "café"


def test_body_above_the_limit_is_refused(native: NativeCaller):
    reply = native.create_job(provider_options={"guidance_scale": "x" * 7_000_000})
    assert_problem(reply, 413, "body", "request_too_large")
    long = native.create_job(provider_options={"guidance_scale": "x" * 250_000})
    assert_problem(long, 413, "body", "request_too_large")


def test_error_of_aws_has_no_internal_text(native: NativeCaller, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise AwsUnavailable("table rushes-secret-name is throttled")

    monkeypatch.setattr(native.jobs, "get", fail)
    reply = native.send("GET", f"{JOBS}/job_{'0' * 32}")
    assert_problem(reply, 503, code="service_unavailable", text="the service is unavailable")
    assert reply.headers["retry-after"] == "2"
    assert reply.json["retryable"] is True


def test_unexpected_error_is_a_problem(native: NativeCaller, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise KeyError("internal-name")

    monkeypatch.setattr(native.jobs, "get", fail)
    reply = native.send("GET", f"{JOBS}/job_{'0' * 32}")
    assert_problem(reply, 500, code="internal_error", text="internal error")
    assert "internal-name" not in reply.text


def test_variable_that_is_no_text_is_refused(native: NativeCaller):
    for bad in ("%ff", "%00"):
        assert_problem(native.send("GET", f"{JOBS}/{bad}"), 400, "job_id")


def test_key_in_a_field_is_not_repeated(native: NativeCaller):
    reply = native.send("POST", JOBS, {native.key: 1})
    assert reply.status == 400
    assert native.key not in reply.text
