"""Write the OpenAPI documents that the api function serves, one per dialect and one of all.

    python -m scripts.generate_openapi [--check]

With --check the script writes nothing and fails if a document is outdated.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.api.openapi import ALL, FOLDER
from scripts.openapi.apis import APIS
from scripts.openapi.document import build_document
from scripts.openapi.native import NAME as NATIVE_NAME

ROOT = Path(__file__).parents[1]


def documents() -> Mapping[str, str]:
    """Return the documents by name. Server URLs are relative to the document's."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    built = {
        ALL: build_document("Rushes", APIS, version, ".", native=True),
        NATIVE_NAME: build_document("Rushes: native API", [], version, "..", native=True),
    }
    for api in APIS:
        built[api.name] = build_document(f"Rushes: {api.title}", [api], version, "..")
    return {name: json.dumps(document, indent=1) + "\n" for name, document in built.items()}


def outdated() -> list[str]:
    """Return the names of files that differ from the generated ones, or are not generated."""
    expected = {f"{name}.json": text for name, text in documents().items()}
    found = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    names = expected.keys() | found.keys()
    return sorted(name for name in names if expected.get(name) != found.get(name))


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="fail if a document is outdated")
    if arguments.parse_args().check:
        if names := outdated():
            sys.exit(f"outdated: {', '.join(names)}; run `python -m scripts.generate_openapi`")
        return
    for name in outdated():
        (FOLDER / name).unlink(missing_ok=True)
    for name, text in documents().items():
        (FOLDER / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
