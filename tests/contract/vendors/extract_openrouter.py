"""Write published/openrouter.json: the request type and job statuses of the package openrouter.

Run `python -m tests.contract.vendors.extract_openrouter [file]`.

The package accepts any text in place of an enum's values and drops unknown fields; the schema
allows neither.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

from tests.contract.vendors.published_files import write

PACKAGE = "openrouter"
OMITTED = ("title", "description")
"""Texts of a schema."""
Schema = dict[str, Any]


def schema_of(name: str) -> Schema:
    model = getattr(import_module(f"{PACKAGE}.components"), name)
    schema: Schema = strict(model.model_json_schema())
    return schema


def strict(schema: Any) -> Any:
    """Return the schema without texts, open enums and unknown fields."""
    if isinstance(schema, list):
        return [strict(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: strict(member) for name, member in schema.items() if _is_kept(name, member)}
    if "anyOf" in kept and any("enum" in member for member in kept["anyOf"]):
        kept["anyOf"] = [member for member in kept["anyOf"] if member != {"type": "string"}]
    if "properties" in kept:
        kept["additionalProperties"] = False
    return kept


def _is_kept(name: str, member: Any) -> bool:
    return name not in OMITTED or not isinstance(member, str)


def statuses() -> list[str]:
    (known,) = schema_of("VideoGenerationResponse")["properties"]["status"]["anyOf"]
    found: list[str] = known["enum"]
    return found


def main() -> None:
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "request": schema_of("VideoGenerationRequest"),
        "statuses": statuses(),
    }
    write("openrouter", document)


if __name__ == "__main__":
    main()
