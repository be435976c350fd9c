"""Write sandbox/schemas/*.json: the published schemas that the local sandbox enforces.

    python -m tests.contract.vendors.sandbox_schemas [folder]

A document has the source, the models by id, each with its schema and its defaults, and the schema
`request` of every create call if the vendor refuses a violation of it at once.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.contract.vendors.published_files import dump, read
from tests.contract.vendors.together_schemas import DOCUMENTED, SOURCE, model_schemas
from tests.contract.vendors.together_schemas import request_schema as together_request
from tests.published import OPENAI, closed

FOLDER = Path(__file__).parents[3] / "sandbox/schemas"
TOGETHER_SIZE = "1366x768"
"""Default of the documentation for models with sizes."""
OPENAI_MODELS = ("sora-2", "sora-2-pro")
RUNWAY_ROUTES = ("text_to_video", "image_to_video", "video_to_video")
TEXTS = ("description", "example", "title")


def together() -> dict[str, Any]:
    models = {
        name: {"defaults": _defaults(DOCUMENTED["models"][name]), "schema": schema}
        for name, schema in model_schemas().items()
    }
    return {"source": SOURCE, "request": together_request(), "models": models}


def _defaults(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a request without them, as far as the vendor documents any."""
    seconds = facts.get("seconds", [5])
    length = 5 if 5 in seconds else seconds[0]
    return {"seconds": length, "size": next(iter(facts.get("sizes") or [TOGETHER_SIZE]))}


def pipelet() -> dict[str, Any]:
    document = read("pipelet")
    defaults = {"seconds": 5, "size": "832x480"}
    models = {
        name: {"defaults": defaults, "schema": schema}
        for name, schema in document["models"].items()
    }
    return {"source": document["source"], "models": models}


def openai() -> dict[str, Any]:
    schema = _without_texts(
        closed(OPENAI, {"$ref": "#/components/schemas/CreateVideoMultipartBody"})
    )
    defaults = {"seconds": 4, "size": "720x1280"}
    models = {name: {"defaults": defaults, "schema": schema} for name in OPENAI_MODELS}
    return {"source": "openai-openapi @ f85dbe22 (2026-08-21)", "models": models}


def runway() -> dict[str, Any]:
    """Return the types of the routes for videos: each has its own type of a model."""
    document = read("runway")
    defaults = {"seconds": 5, "size": "1280x720"}
    models = {
        name.removeprefix("/v1/"): {"defaults": defaults, "schema": schema}
        for name, schema in document["requests"].items()
        if name.partition(" ")[0].removeprefix("/v1/") in RUNWAY_ROUTES
    }
    return {"source": f"{document['package']} {document['version']} (PyPI)", "models": models}


def _without_texts(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_texts(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_texts(member)
        for name, member in schema.items()
        if name not in TEXTS or not isinstance(member, str)
    }


DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "openai": openai,
    "pipelet": pipelet,
    "runway": runway,
    "together": together,
}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, build in DOCUMENTS.items():
        (folder / f"{name}.json").write_text(dump(build()))


if __name__ == "__main__":
    main()
