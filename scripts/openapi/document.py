"""Build OpenAPI 3.1 documents from the routes of the dialects and the schemas of their verbs."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from rushes.api.webhooks.routes import WebhookRoute
from rushes.dialects.base import ANY_NAME
from rushes.dialects.base import Route as JobRoute
from rushes.dialects.labels import TAGS_HEADER, USER_HEADER
from scripts.openapi.apis import JSON, SSE, Api, Operation
from scripts.openapi.error_responses import error_responses
from scripts.openapi.native import native_paths, native_schemas, native_tags

Json = dict[str, Any]
Route = JobRoute | WebhookRoute
REFERENCE = "#/components/schemas/"
VARIABLE = re.compile(r"<(\w+)>")
DESCRIPTION = (
    "Generated from the gateway's routes and schemas. A field that a model does not have is "
    "refused, or reported in the header `rushes-warning`."
)
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key is the user name."},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "virtualKey": {"type": "apiKey", "in": "header", "name": "x-bf-vk"},
    "falKey": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "description": "`Key …`, in the queue APIs.",
    },
}
IDEMPOTENCY_KEY = {
    "name": "idempotency-key",
    "in": "header",
    "description": "Repeated calls with the same key return the same job.",
    "schema": {"type": "string"},
}
LABEL_HEADERS = (
    {
        "name": TAGS_HEADER,
        "in": "header",
        "description": "Up to 10 tags of the job, as in `team=ads, campaign=spring%20sale`.",
        "schema": {"type": "string"},
    },
    {
        "name": USER_HEADER,
        "in": "header",
        "description": "Your id of the person or system for which the job is created.",
        "schema": {"type": "string"},
    },
)
COST_HEADER = {
    "rushes-cost": {
        "description": "US dollars that a finished job costs.",
        "schema": {"type": "string"},
    }
}
BOUNDS = {"ge": "minimum", "le": "maximum"}
CREATING = frozenset({"create", "edit", "remix"})
SHOWING = CREATING | {"retrieve", "status", "result"}
"""Verbs whose response is about one job."""


def build_document(
    title: str, apis: Sequence[Api], version: str, server: str, *, native: bool = False
) -> Json:
    """Build the document of some APIs, each with a tag of its own, and of the native one."""
    paths: dict[str, Json] = native_paths() if native else {}
    numbers: Counter[str] = Counter()
    for api in apis:
        for route in api.routes:
            if route.verb != "unsupported":
                identifier = _identifier(api, route, numbers)
                path = _path(route)
                paths.setdefault(path, {})[route.method.lower()] = {
                    "operationId": identifier,
                    **_operation(api, route, path),
                }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": DESCRIPTION},
        "servers": [{"url": server}],
        "security": [{name: []} for name in SECURITY_SCHEMES],
        "tags": [
            *(native_tags() if native else []),
            *({"name": api.name, "description": api.title} for api in apis),
        ],
        "paths": paths,
        "components": {
            "schemas": _titled({**(native_schemas() if native else {}), **_schemas(apis)}),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _identifier(api: Api, route: Route, numbers: Counter[str]) -> str:
    """Name an operation; its further paths are numbered."""
    name = f"{api.name}_{route.verb}"
    numbers[name] += 1
    return name if numbers[name] == 1 else f"{name}_{numbers[name]}"


def _path(route: Route) -> str:
    return VARIABLE.sub(r"{\1}", route.path).replace(ANY_NAME, "{name}")


def _operation(api: Api, route: Route, path: str) -> Json:
    operation = api.operations[route.verb]
    parameters = [*_path_parameters(path), *_query_parameters(api, route)]
    if route.verb in CREATING and isinstance(route, JobRoute):
        parameters += [IDEMPOTENCY_KEY, *LABEL_HEADERS]
    written: Json = {"summary": operation.summary, "tags": [api.name], "parameters": parameters}
    if operation.body:
        schema = _reference(operation.body)
        content = {name: {"schema": schema} for name in operation.body_types}
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        written["requestBody"] = {"required": needed, "content": content}
    return {**written, "responses": _responses(api, operation, route)}


def _path_parameters(path: str) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(api: Api, route: Route) -> Iterator[Json]:
    for name in sorted(api.query_names.get(route.verb, ())):
        yield {"name": name, "in": "query", "schema": {"type": "string"}}


def _responses(api: Api, operation: Operation, route: Route) -> Json:
    content_type = SSE if route.verb == "stream" else JSON
    responses = {
        str(status): _response(model, status, content_type)
        for status, model in ((operation.status, operation.response), *operation.also.items())
    }
    errors = error_responses(
        _reference(api.error), JSON, has_body=route.method == "POST", further=operation.errors
    )
    for status in errors.keys() & responses.keys():  # a status with a response of its own
        forms = [_reference(model) for model in (operation.also[int(status)], api.error) if model]
        responses[status]["content"] = {JSON: {"schema": {"anyOf": forms}}}
    if route.verb in SHOWING and isinstance(route, JobRoute):
        responses[str(operation.status)]["headers"] = COST_HEADER
    return {**errors, **responses}


def _response(model: type[BaseModel] | None, status: int, content_type: str) -> Json:
    if status in (302, 307):
        location = {"schema": {"type": "string", "format": "uri-reference"}}
        return {"description": "Redirect", "headers": {"location": location}}
    if content_type == SSE:
        return {"description": "Events", "content": {SSE: {}}}
    if model is None and status in (200, 206):
        return {"description": "The file, or a range of it", "content": {"*/*": {}}}
    if model is None:
        return {"description": "No content"}
    return {"description": "Success", "content": {JSON: {"schema": _reference(model)}}}


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"{REFERENCE}{model.__name__}"}


def _schemas(apis: Sequence[Api]) -> Json:
    """Return the schemas of requests and responses by the names of their classes."""
    found: dict[type[BaseModel], None] = {}
    for api in apis:
        found[api.error] = None
        for operation in api.operations.values():
            for model in (operation.body, operation.response, *operation.also.values()):
                if model:
                    found[model] = None
    _, definitions = models_json_schema(
        [(model, "validation") for model in found], ref_template=f"{REFERENCE}{{model}}"
    )
    schemas: Json = definitions.get("$defs", {})
    return {name: _published(schemas[name]) for name in sorted(schemas)}


def _titled(schemas: Json) -> Json:
    """Let the last of several schemas keep their title: client generators name classes by it."""
    last = {schema.get("title"): name for name, schema in schemas.items()}
    return {
        name: {key: value for key, value in schema.items() if key != "title"}
        if last[schema.get("title")] != name
        else schema
        for name, schema in schemas.items()
    }


def _published(schema: Any) -> Any:  # noqa: ANN401 - any part of a JSON schema
    """Remove the defaults, and name the bounds of integers as JSON Schema does.

    A field that is absent is absent: the model chooses its value. pydantic leaves its own names for
    the bounds of a type with a validator.
    """
    if isinstance(schema, list):
        return [_published(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        BOUNDS.get(name, name): {key: _published(value) for key, value in part.items()}
        if name == "properties"
        else _published(part)
        for name, part in schema.items()
        if name != "default"
    }
