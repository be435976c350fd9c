"""Published arguments of fal's endpoints: the package's types, completed from the documentation."""

import json
from pathlib import Path
from typing import Any

from scripts.fal_models.fields import Schema

PUBLISHED = Path(__file__).parents[2] / "tests" / "contract" / "vendors" / "published"


def inputs() -> dict[str, Schema]:
    """Return the argument schemas by endpoint; documented values replace those of the package."""
    package = _read("fal")
    documented = _read("fal-documented")
    schemas: dict[str, Schema] = {**package["inputs"], **documented["inputs"]}
    for endpoint, values in documented["values"].items():
        schemas[endpoint] = _with_values(schemas[endpoint], values)
    return schemas


def outputs() -> dict[str, Any]:
    """Return the file fields of the results by endpoint."""
    found: dict[str, Any] = _read("fal")["outputs"]
    return found


def _with_values(schema: Schema, values: dict[str, list[Any]]) -> Schema:
    properties = dict(schema["properties"])
    for name, listed in values.items():
        field = {**properties[name], "enum": listed}
        known = {str(value): value for value in listed}
        if "default" in field:
            field["default"] = known[str(field["default"])]
        properties[name] = field
    return {**schema, "properties": properties}


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((PUBLISHED / f"{name}.json").read_text())
    return document
