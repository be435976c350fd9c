"""OpenAPI documents of the API, which need no API key: `/openapi.json` and `/openapi/NAME.json`.

`scripts/generate_openapi.py` writes the files.
"""

from functools import cache
from pathlib import Path

from rushes.dialects.base import HttpRequest, HttpResponse

FOLDER = Path(__file__).parent
ALL = "rushes"
"""Name of the document that contains all APIs."""
PATHS = ("/openapi.json", "/openapi/<document>")
"""Routes, each for GET."""
HEADERS = {"content-type": "application/json", "cache-control": "public, max-age=3600"}


def openapi_response(request: HttpRequest) -> HttpResponse | None:
    """Return a document, or None for an unknown name."""
    name = ALL
    if request.path != PATHS[0]:
        name, _, extension = request.path.rpartition("/")[2].rpartition(".")
        if extension != "json":
            return None
    body = _documents().get(name)
    return HttpResponse(200, body, HEADERS) if body else None


@cache
def _documents() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
