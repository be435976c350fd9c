"""Update published/replicate.json from Replicate's API, for the models of the catalog.

    REPLICATE_API_TOKEN=... python -m tests.contract.vendors.refresh_replicate

Replaces the types of each model; the combinations under `rules` are prose of the fields'
descriptions and stay as they were written by hand.
"""

import os
from datetime import UTC, datetime
from typing import Any

import httpx

from rushes.catalog.vendor_data import read_vendor
from tests.contract.vendors.published_files import FOLDER, dump, read

API = "https://api.replicate.com/v1/models"
KEPT = ("type", "enum", "minimum", "maximum", "format", "maxLength", "items", "default")
Schema = dict[str, Any]


def published_model(openapi: Schema, date: str) -> Schema:
    """Return the types of a model from its version's `openapi_schema`."""
    schemas = openapi["components"]["schemas"]
    inputs = schemas["Input"]
    properties = inputs.get("properties", {}).items()
    return {
        "read": date,
        "input": {
            "type": "object",
            "properties": {name: _plain(field, schemas) for name, field in properties},
            "required": inputs.get("required", []),
            "additionalProperties": False,
        },
        "output": _plain(schemas.get("Output", {}), schemas),
    }


def _plain(field: Schema, schemas: Schema) -> Schema:
    """Return a field with the type that it refers to in place."""
    references = [field, *field.get("allOf", ())]
    for reference in references:
        if "$ref" in reference:
            target = schemas[reference["$ref"].rpartition("/")[2]]
            field = {**target, **{name: field[name] for name in field if name in KEPT}}
    plain = {name: field[name] for name in KEPT if field.get(name) is not None}
    if "items" in plain:
        plain["items"] = _plain(plain["items"], schemas)
    return plain


def main() -> None:
    headers = {"authorization": f"Bearer {os.environ['REPLICATE_API_TOKEN']}"}
    date = datetime.now(UTC).date().isoformat()
    document = read("replicate")
    with httpx.Client(headers=headers, timeout=30) as client:
        for name in read_vendor("replicate").ids():
            reply = client.get(f"{API}/{name}").raise_for_status().json()
            openapi = reply["latest_version"]["openapi_schema"]
            document["models"][name] = published_model(openapi, date)
    document["date"] = date
    (FOLDER / "replicate.json").write_text(dump(document))


if __name__ == "__main__":
    main()
