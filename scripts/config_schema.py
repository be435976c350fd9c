"""Write the JSON Schema of `rushes.toml` to `docs/reference/rushes.schema.json`.

    python scripts/config_schema.py [--check]

With --check the script writes nothing and fails if the file is outdated.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.catalog.compile import Config
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import ProviderEntry
from rushes.catalog.vendor_data import vendor_names
from rushes.providers import PROVIDERS

FILE = Path(__file__).resolve().parents[1] / "docs/reference/rushes.schema.json"
DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that editors with support for `#:schema` validate by."""
NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}


def schema() -> dict[str, Any]:
    """Return the schema of a file, which may have short forms and omit defaults."""
    whole = Config.model_json_schema(ref_template="#/definitions/{model}")
    definitions = whole.pop("$defs")
    definitions |= _definitions(ModelEntry)
    entry = ProviderEntry.model_json_schema()["properties"]
    provider = definitions["ProviderTable"]["properties"]
    provider["vendor"]["anyOf"][0]["enum"] = vendor_names()
    provider["protocol"]["anyOf"][0]["enum"] = sorted(PROVIDERS)
    for field in ("credential", "idempotency"):
        provider[field] = entry[field]
    _widen(definitions["ModelEntry"])
    properties = whole["properties"]
    properties["aliases"]["additionalProperties"] = {
        "anyOf": [{"type": "string"}, NAMES, {"$ref": "#/definitions/Alias"}]
    }
    properties["models"]["items"] = {"$ref": "#/definitions/ModelEntry"}
    return {
        "$schema": DRAFT,
        **whole,
        "title": "rushes.toml",
        "definitions": dict(sorted(definitions.items())),
    }


def _definitions(model: type[ModelEntry]) -> dict[str, Any]:
    whole = model.model_json_schema(ref_template="#/definitions/{model}")
    definitions: dict[str, Any] = whole.pop("$defs")
    return {**definitions, model.__name__: whole}


def _widen(model: dict[str, Any]) -> None:
    """Accept the short forms of `seconds` and `options`."""
    bounds = {"type": "integer", "minimum": 1}
    lengths = {
        "type": "object",
        "properties": dict.fromkeys(("min", "max", "step", "default"), bounds),
        "required": ["min", "max"],
        "additionalProperties": False,
    }
    properties = model["properties"]
    for field, form in (("seconds", lengths), ("options", NAMES)):
        given = properties[field]
        kept = {key: given.pop(key) for key in ("title", "description", "default") if key in given}
        properties[field] = {**kept, "anyOf": [given, form]}


def text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    if parser.parse_args().check:
        if not FILE.exists() or FILE.read_text("utf-8") != text():
            sys.exit(f"outdated: run `python scripts/config_schema.py` to write {FILE.name}")
        return
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
