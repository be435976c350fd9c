"""Pages for people, which need no API key: `/docs`, the API reference, and `/docs/errors`.

The pages load nothing from other servers. `scripts/generate_reference.py` writes the files, which
are read at their first request.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from rushes.dialects.base import HttpRequest, HttpResponse

FOLDER = Path(__file__).parent
PATHS = ("/docs", "/docs/errors", "/docs/redoc.js", "/docs/start.js", "/docs/style.css")
"""Routes, each for GET."""
FILES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "/docs": ("reference.html", "text/html; charset=utf-8"),
        "/docs/errors": ("errors.html", "text/html; charset=utf-8"),
        "/docs/redoc.js": ("redoc.standalone.js.gz", "text/javascript; charset=utf-8"),
        "/docs/start.js": ("start.js", "text/javascript; charset=utf-8"),
        "/docs/style.css": ("style.css", "text/css; charset=utf-8"),
    }
)
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " style-src 'self' 'unsafe-inline'; worker-src blob:;"  # Redoc writes its styles into the page
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "public, max-age=3600",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def reference_response(request: HttpRequest) -> HttpResponse:
    name, content_type = FILES[request.path]
    headers = {**HEADERS, "content-type": content_type}
    if name.endswith(".gz"):
        headers["content-encoding"] = "gzip"
        return HttpResponse(200, headers=headers, content=_read(name))
    return HttpResponse(200, _read(name).decode(), headers)


@cache
def _read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
