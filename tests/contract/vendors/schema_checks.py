"""Validate JSON bodies and multipart forms against JSON Schema."""

from collections.abc import Callable, Mapping
from typing import Any

import jsonschema

from rushes.ports.http import FormFile, HttpCall

Schema = dict[str, Any]
FILE: Schema = {"const": "a file"}
"""Schema of a file part."""
CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": {"true": True, "false": False}.__getitem__,
}


def body_errors(schema: Schema, body: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema)
    return [
        f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:200]}"
        for error in validator.iter_errors(body)
    ]


def form_errors(schema: Schema, call: HttpCall) -> list[str]:
    """Validate a multipart form: its texts are converted to the types of the schema."""
    if call.form is None:
        return ["the call has no form"]
    return body_errors(schema, form_values(call.form, schema["properties"]))


def form_values(
    form: Mapping[str, str | FormFile], properties: Mapping[str, Schema]
) -> dict[str, Any]:
    return {name: _typed(value, properties.get(name, {})) for name, value in form.items()}


def _typed(value: str | FormFile, schema: Schema) -> Any:
    """Convert a text to the type of its schema; one that is no such value stays a text."""
    if isinstance(value, FormFile):
        return FILE["const"]
    convert = CONVERSIONS.get(schema.get("type", ""), str)
    try:
        return convert(value)
    except (ValueError, KeyError):
        return value
