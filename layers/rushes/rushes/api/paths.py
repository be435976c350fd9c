"""Paths of requests: the gateway's base path, repeated slashes, and the methods of a URL."""

import posixpath
import re
from functools import cache
from itertools import chain
from urllib.parse import urlsplit

from rushes.api import openapi, reference
from rushes.api.webhooks import routes as webhook_routes
from rushes.dialects import DIALECTS, FOLDERS
from rushes.dialects.base import ANY_NAME

NATIVE_ROOT = "/rushes"
"""Of the native API, which has its own routes."""
DOCUMENTS = (*openapi.PATHS, *reference.PATHS)
ROOTS = frozenset(path.split("/")[1] for path in (*FOLDERS, *DOCUMENTS, NATIVE_ROOT))
"""First segments of the known URLs."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
VARIABLE = re.compile(r"<\w+>")
STEP = re.compile(r"<step_\d+>")
"""Segment of a model's name, which is never `requests`: that precedes a job's id."""


def canonical_path(path: str, public_url: str, domain: str = "") -> str:
    """Return the path without a base path, repeated slashes and a slash at its end.

    The base path is that of `public_url`. A custom domain that `public_url` does not name may have
    a mapping key, which API Gateway leaves in the path: its segments precede the first known one.
    """
    path = posixpath.normpath("/" + path.lstrip("/"))
    url = urlsplit(public_url)
    base_path = url.path.rstrip("/")
    below = path.removeprefix(base_path)
    if base_path and below.startswith("/") and _root(below) in ROOTS:
        return below
    if domain in ("", url.hostname) or ".execute-api." in domain or _root(path) in ROOTS:
        return path
    segments = path.split("/")
    known = next((n for n, segment in enumerate(segments) if segment in ROOTS), None)
    return path if known is None else "/" + "/".join(segments[known:])


def is_native(path: str) -> bool:
    """Return whether the native API answers a path, also with an error."""
    return path == NATIVE_ROOT or path.startswith(f"{NATIVE_ROOT}/")


def allowed_methods(path: str) -> tuple[str, ...]:
    """Return the methods of a URL's routes; none if the URL is unknown."""
    methods = {method for method, pattern in _patterns() if pattern.fullmatch(path)}
    if "GET" in methods:
        methods.add("HEAD")
    return tuple(method for method in METHODS if method in methods)


def _root(path: str) -> str:
    return path.split("/")[1]


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compile the routes at the first unknown URL: Powertools does not publish its own."""
    jobs = ((route.method, route.path) for dialect in DIALECTS for route in dialect.routes)
    webhooks = ((route.method, route.path) for route in webhook_routes.ROUTES)
    documents = (("GET", path) for path in DOCUMENTS)
    routes = chain(jobs, webhooks, documents)
    return tuple((method, re.compile(_pattern(path))) for method, path in routes)


def _pattern(path: str) -> str:
    path = STEP.sub("(?!requests(?:/|$))[^/]+", path)
    return VARIABLE.sub("[^/]+", path).replace(ANY_NAME, ".+")
