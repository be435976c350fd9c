"""Write the Postman collection of the native and the OpenAI API, which Bruno imports, too.

    python -m scripts.generate_postman [--check]

With --check the script writes nothing and fails if the collection is outdated.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from scripts.generate_openapi import documents

ROOT = Path(__file__).parents[1]
FILE = ROOT / "examples/postman/rushes.postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
SHOWN = ("native", "openai")
VARIABLE = re.compile(r"{(\w+)}")
BODIES: dict[str, dict[str, Any]] = {
    "NewJob": {"model": "sora-2", "prompt": "a paper boat", "tags": {"team": "ads"}},
    "CreateBody": {"model": "sora-2", "prompt": "a paper boat", "seconds": "4"},
}
"""Examples of bodies; others have their required fields only."""
EXAMPLES = {
    "string": "text",
    "integer": 1,
    "number": 1,
    "boolean": False,
    "array": [],
    "object": {},
}

Json = dict[str, Any]


def collection() -> str:
    found = documents()
    written = {
        "info": {
            "name": "Rushes",
            "description": "Set base_url and api_key. Generated from the OpenAPI documents.",
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{api_key}}"}]},
        "variable": [
            {"key": "base_url", "value": "http://127.0.0.1:8787"},
            {"key": "api_key", "value": ""},
        ],
        "item": [{"name": name, "item": list(_folders(json.loads(found[name])))} for name in SHOWN],
    }
    return json.dumps(written, indent=1) + "\n"


def _folders(document: Json) -> Iterator[Json]:
    requests: dict[str, list[Json]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            request = _request(document, method.upper(), path, operation)
            requests.setdefault(operation["tags"][0], []).append(request)
    for tag, items in requests.items():
        yield {"name": tag, "item": items}


def _request(document: Json, method: str, path: str, operation: Json) -> Json:
    parameters = operation["parameters"]
    url = {
        "raw": "{{base_url}}" + VARIABLE.sub(r":\1", path),
        "host": ["{{base_url}}"],
        "path": VARIABLE.sub(r":\1", path).strip("/").split("/"),
        "variable": [{"key": name, "value": ""} for name in VARIABLE.findall(path)],
        "query": list(_optional(parameters, "query")),
    }
    request: Json = {"method": method, "url": url, "header": list(_optional(parameters, "header"))}
    if description := operation.get("description"):
        request["description"] = description
    content = operation.get("requestBody", {}).get("content", {})
    if schema := content.get("application/json", {}).get("schema"):
        text = json.dumps(_body(document, schema), indent=2)
        options = {"raw": {"language": "json"}}
        request["body"] = {"mode": "raw", "raw": text, "options": options}
    return {"name": operation["summary"], "request": request}


def _optional(parameters: list[Json], place: str) -> Iterator[Json]:
    """Yield the parameters of a place, switched off."""
    for parameter in parameters:
        if parameter["in"] == place:
            described = {"description": parameter.get("description", "")}
            yield {"key": parameter["name"], "value": "", "disabled": True, **described}


def _body(document: Json, schema: Json) -> Json:
    name = schema["$ref"].rpartition("/")[2]
    described = document["components"]["schemas"][name]
    if name in BODIES:
        return BODIES[name]
    properties = described.get("properties", {})
    return {field: _example(properties[field]) for field in described.get("required", ())}


def _example(schema: Json) -> Any:  # noqa: ANN401 - any JSON value
    if "enum" in schema:
        return schema["enum"][0]
    return EXAMPLES.get(schema.get("type", ""), "text")


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="fail if it is outdated")
    if arguments.parse_args().check:
        if not FILE.exists() or FILE.read_text("utf-8") != collection():
            sys.exit(f"outdated: {FILE.name}; run `python -m scripts.generate_postman`")
        return
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(collection(), "utf-8")


if __name__ == "__main__":
    main()
