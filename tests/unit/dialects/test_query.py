"""Query parameters: unknown ones are refused by name, on every route of every dialect."""

import pytest

from rushes.dialects import DIALECTS
from rushes.dialects.base import Dialect, Route
from tests.unit.dialects.api_client import BASES, BIFROST, OPENAI, Caller, assert_refused

ROUTES = [
    (dialect, route)
    for dialect in DIALECTS
    for route in dialect.routes
    if route.path.count("<step_") <= 1
]


def path_of(caller: Caller, route: Route) -> str:
    job_id = caller.create().json["id"]
    path = route.path.replace("<job_id>", job_id).replace("(.+)", "sora-2")
    return path.replace("<step_1>", "sora-2")


@pytest.mark.parametrize(
    ("dialect", "route"), ROUTES, ids=lambda value: getattr(value, "path", None)
)
def test_unknown_parameter_is_refused_by_every_route(
    caller: Caller, dialect: Dialect, route: Route
):
    path = path_of(caller, route)
    reply = caller.call(route.method, path, {}, query={"colour": "blue"})
    assert reply.status in (400, 422), (dialect.name, reply)
    names = ", ".join(sorted(dialect.query_names.get(route.verb, ()))) or "none"
    assert f"colour is not supported (query parameters of this URL: {names})" in reply.text
    assert not reply.has_side_effects


@pytest.mark.parametrize("name", ["status", "model", "created_after", "before", "page", "Limit"])
@pytest.mark.parametrize("base", BASES)
def test_filters_that_no_document_has_are_refused(caller: Caller, base: str, name: str):
    reply = caller.call("GET", base, query={"provider": "sandbox", name: "x"})
    assert_refused(reply, base, 400, name)
    assert "query parameters of this URL: after, limit, order, provider" in reply.text


@pytest.mark.parametrize("query", [{"api-version": "preview"}, {"_": "1764372000"}])
@pytest.mark.parametrize("base", [BIFROST, OPENAI])
def test_parameters_that_libraries_add_are_ignored(
    caller: Caller, base: str, query: dict[str, str]
):
    job_id = caller.create().json["id"]
    assert caller.call("GET", f"{base}/{job_id}", query=query).status == 200
    assert caller.call("GET", base, query={"provider": "sandbox", **query}).status == 200


def test_fals_clients_request_logs(caller: Caller):
    job_id = caller.create().json["id"]
    for value in ("0", "1", "true"):
        path = f"/fal/sora-2/requests/{job_id}/status"
        assert caller.call("GET", path, query={"logs": value}).status == 202
