"""The native API in OpenAPI documents, from its routes and their schemas."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from rushes.api.native.resource import PREFIX, EmptyBody, Route
from rushes.api.native.routes import ROUTES
from rushes.api.native.schemas.shared import Problem
from scripts.openapi.error_responses import error_responses

Json = dict[str, Any]
Kind = tuple[type[BaseModel], JsonSchemaMode]
NAME = "native"
JSON, PROBLEM = "application/json", "application/problem+json"
VARIABLE = re.compile(r"<(?:path:)?(\w+)>")
TEMPLATE = "#/components/schemas/{model}"
SECRETS = "Contains a secret, which no other response repeats."


IDEMPOTENCY_KEY = {
    "name": "idempotency-key",
    "in": "header",
    "description": "Repeated calls with the same key have the same result.",
    "schema": {"type": "string"},
}


def native_paths() -> dict[str, Json]:
    paths: dict[str, Json] = {}
    for route in ROUTES:
        path = PREFIX + VARIABLE.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return paths


def native_tags() -> list[Json]:
    """Return a tag for each resource of the native API."""
    names = dict.fromkeys(_tag(route) for route in ROUTES)
    return [{"name": name, "description": f"Native API: {name}"} for name in names]


def _tag(route: Route) -> str:
    return route.name.partition(".")[0]


def native_schemas() -> Json:
    return _schemas()[1]


def _operation(route: Route, path: str) -> Json:
    written: Json = {
        "operationId": f"{NAME}_{route.name.replace('.', '_')}",
        "summary": route.summary,
        "description": f"Needs a key of the scope `{route.scope}`.",
        "tags": [_tag(route)],
        "parameters": [*_path_parameters(path), *_query_parameters(route)],
    }
    if route.is_idempotent:
        written["parameters"].append(IDEMPOTENCY_KEY)
    if route.body is not EmptyBody:
        needed = any(field.is_required() for field in route.body.model_fields.values())
        content = {JSON: {"schema": _reference(route.body, "validation")}}
        written["requestBody"] = {"required": needed, "content": content}
    return {**written, "responses": _responses(route)}


def _path_parameters(path: str) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", path):
        schema = {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterator[Json]:
    """Describe each field: a list is repeated, an object has its members in brackets."""
    schema = route.query.model_json_schema(ref_template=TEMPLATE)
    required = schema.get("required", [])
    for name, described in schema.get("properties", {}).items():
        plain = {key: value for key, value in described.items() if key not in ("title", "default")}
        parameter = {"name": name, "in": "query", "schema": plain}
        if description := plain.pop("description", None):
            parameter["description"] = description
        if name in required:
            parameter["required"] = True
        if plain.get("type") == "object":
            parameter.update(style="deepObject", explode=True)
        yield parameter


def _responses(route: Route) -> Json:
    errors = error_responses(
        _reference(Problem, "serialization"), PROBLEM, has_body=route.method != "GET"
    )
    written = {
        str(status): _response(route, model)
        for status, model in ((route.status, route.response), *route.also.items())
    }
    return {**errors, **written}


def _response(route: Route, model: type[BaseModel] | None) -> Json:
    if model is None:
        return {"description": "No content"}
    texts = {name: {"schema": {"type": "string"}} for name in route.text_types}
    content = {JSON: {"schema": _reference(model, "serialization")}, **texts}
    return {"description": SECRETS if route.has_secret else "Success", "content": content}


def _reference(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> Json:
    reference: Json = _schemas()[0][model, mode]
    return reference


@cache
def _schemas() -> tuple[Any, Json]:
    """Return the reference to each schema, and the schemas by name."""
    kinds: dict[Kind, None] = {(Problem, "serialization"): None}
    for route in ROUTES:
        if route.body is not EmptyBody:
            kinds[route.body, "validation"] = None
        for model in (route.response, *route.also.values()):
            if model:
                kinds[model, "serialization"] = None
    references, definitions = models_json_schema(list(kinds), ref_template=TEMPLATE)
    schemas: Json = {**definitions["$defs"]}
    for route in ROUTES:
        schemas.update(route.query.model_json_schema(ref_template=TEMPLATE).get("$defs", {}))
    return references, {name: schemas[name] for name in sorted(schemas)}
