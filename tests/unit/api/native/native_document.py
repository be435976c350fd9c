"""Compare responses of the native API with its OpenAPI document."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from rushes.api.native.resource import PREFIX
from rushes.api.native.routes import ROUTES
from rushes.api.native.routing import Router
from rushes.errors import RushesError
from scripts.openapi.native import VARIABLE, native_paths, native_schemas
from tests.unit.dialects.api_client import Reply

ROUTER = Router(ROUTES)


def assert_documented(method: str, path: str, reply: Reply) -> None:
    """Check status and body; responses to unknown URLs and methods are in no document."""
    try:
        route = ROUTER.match(method, path).route
    except RushesError:
        return
    if method == "HEAD" or not reply.text:
        return
    content_type = reply.headers["content-type"].partition(";")[0]
    if content_type == "text/csv":
        return
    validator = _validator(route.method, route.path, reply.status, content_type)
    errors = [*validator.iter_errors(reply.json)]
    assert not errors, f"{route.name}: {errors[0].message} at {errors[0].json_path}"


@cache
def _validator(method: str, path: str, status: int, content_type: str) -> Any:
    named = PREFIX + VARIABLE.sub(r"{\1}", path)
    responses = _paths()[named][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {path}: status {status} is not documented"
    schema = responses[str(status)]["content"][content_type]["schema"]
    return Draft202012Validator({**schema, "components": {"schemas": native_schemas()}})


@cache
def _paths() -> dict[str, Any]:
    return native_paths()
