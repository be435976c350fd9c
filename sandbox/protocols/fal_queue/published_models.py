"""fal's published endpoints: their argument schemas and fal's list of invalid arguments.

`scripts/generate_fal_models.py` writes `schemas/fal.json`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from sandbox.published import FOLDER, Settings

TYPE_NAMES = {
    "string": ("string", "string_type"),
    "number": ("number", "float_type"),
    "integer": ("integer", "int_type"),
    "boolean": ("boolean", "bool_type"),
    "array": ("list", "list_type"),
    "object": ("dictionary", "dict_type"),
}
LIMITS = {
    "minimum": ("greater than or equal to", "greater_than_equal"),
    "maximum": ("less than or equal to", "less_than_equal"),
}
LENGTHS = {"maxLength": ("characters", "string_too_long"), "maxItems": ("items", "too_long")}
Fault = dict[str, object]


class InvalidArgumentsError(Exception):
    """Arguments that violate the published schema."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} invalid arguments")
        self.faults = faults


@dataclass(frozen=True)
class PublishedEndpoint:
    """`output` has the form of the result: names of fields to "file", "url", or lists of these."""

    modality: str
    defaults: Settings
    output: Mapping[str, Any]
    schema: Mapping[str, Any]

    def check(self, arguments: Mapping[str, Any]) -> None:
        errors = Draft202012Validator(self.schema).iter_errors(arguments)
        if faults := [fault for error in errors for fault in _faults(error)]:
            raise InvalidArgumentsError(faults)


@cache
def endpoints() -> dict[str, PublishedEndpoint]:
    document: dict[str, Any] = json.loads((FOLDER / "fal.json").read_text())
    return {
        name: PublishedEndpoint(
            modality=entry["modality"],
            defaults=Settings(**entry["defaults"]),
            output=entry["output"],
            schema=entry["schema"],
        )
        for name, entry in document["models"].items()
    }


def _faults(error: ValidationError) -> Iterator[Fault]:
    place = ["body", *error.absolute_path]
    if error.validator == "required":
        name = _missing_name(error)
        yield {"loc": [*place, name], "msg": "Field required", "type": "missing"}
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                text = "Extra inputs are not permitted"
                yield {"loc": [*place, name], "msg": text, "type": "extra_forbidden"}
    else:
        message, kind = _described(error)
        yield {"loc": place, "msg": message, "type": kind}


def _missing_name(error: ValidationError) -> str:
    """Return the name that the message quotes: there is one error per missing member."""
    return str(error.message).split("'")[1]


def _described(error: ValidationError) -> tuple[str, str]:
    value = error.validator_value
    if error.validator == "enum":
        return f"Input should be {_any_of(value)}", "literal_error"
    if error.validator == "type":
        name, kind = TYPE_NAMES.get(value, (value, "value_error"))
        return f"Input should be a valid {name}", kind
    if error.validator in LIMITS:
        text, kind = LIMITS[error.validator]
        return f"Input should be {text} {value}", kind
    if error.validator in LENGTHS:
        text, kind = LENGTHS[error.validator]
        return f"Input should have at most {value} {text}", kind
    return "Input should have one of the documented forms", "value_error"


def _any_of(values: list[object]) -> str:
    *others, last = map(repr, values)
    return f"{', '.join(others)} or {last}" if others else last
