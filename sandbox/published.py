"""Published schemas of the vendors' create calls, and the first violation of them by a body.

`tests/contract/vendors/sandbox_schemas.py` writes `schemas/` from the vendors' packages and
documents.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

FOLDER = Path(__file__).with_name("schemas")
MAX_SHOWN_CHARACTERS = 200
ALTERNATIVES = ("anyOf", "oneOf")
NOTHING: dict[str, Any] = {"not": {}}
"""Schema of a field that a model does not have."""


@dataclass(frozen=True)
class Violation:
    """The field that breaks the schema; `is_unknown` if the model does not have it."""

    field: str
    message: str
    is_unknown: bool = False


@dataclass(frozen=True)
class Settings:
    """Length and size of a request that states none."""

    seconds: int
    size: str


@dataclass(frozen=True)
class PublishedModel:
    defaults: Settings
    schema: Draft202012Validator

    def violation(self, body: Mapping[str, object]) -> Violation | None:
        return _violation(self.schema, body)


@dataclass(frozen=True)
class PublishedVendor:
    """The models of a vendor by id, and the schema of all its create calls, if it has one."""

    models: Mapping[str, PublishedModel]
    request: Draft202012Validator

    def find(self, model: object) -> PublishedModel | None:
        return self.models.get(model) if isinstance(model, str) else None

    def violation(self, body: Mapping[str, object]) -> Violation | None:
        return _violation(self.request, body)


def read_vendor(name: str) -> PublishedVendor:
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    models = {
        model: PublishedModel(Settings(**entry["defaults"]), _validator(entry["schema"]))
        for model, entry in document["models"].items()
    }
    return PublishedVendor(models, _validator(document.get("request", {})))


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _violation(schema: Draft202012Validator, body: Mapping[str, object]) -> Violation | None:
    errors = list(schema.iter_errors(body))
    error = best_match(error for error in errors if error.validator not in ALTERNATIVES)
    if error is None:
        return _combination(errors[0]) if errors else None
    field = ".".join([*map(str, error.absolute_path), *_named(error)])
    if error.validator == "additionalProperties" or error.schema == NOTHING:
        return Violation(field, f"{field} is not an argument of this model", is_unknown=True)
    return Violation(field, error.message[:MAX_SHOWN_CHARACTERS])


def _combination(error: ValidationError) -> Violation:
    """Name a field of the alternative that comes closest."""
    alternatives = groupby(error.context or (), key=lambda each: each.schema_path[0])
    closest = min((list(group) for _, group in alternatives), key=len)
    field = ".".join(map(str, closest[0].absolute_path)) or ".".join(_named(closest[0]))
    return Violation(field, f"{field} is not allowed in this combination")


def _named(error: ValidationError) -> list[str]:
    """Return the name of the missing or unknown field that the error is about."""
    instance, value = error.instance, error.validator_value
    if error.validator == "required":
        return [name for name in value if name not in instance][:1]
    if error.validator == "dependentRequired":
        needed = [name for given in value if given in instance for name in value[given]]
        return [name for name in needed if name not in instance][:1]
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        return [name for name in instance if name not in known][:1]
    return []
