"""Match a request to a route of the native API."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from rushes.api.native.resource import PREFIX, Route
from rushes.errors import InvalidRequest, MethodNotAllowed, NotFound

VARIABLE = re.compile(r"<(path:)?(\w+)>")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Match:
    route: Route
    variables: Mapping[str, str]


class Router:
    """The first route whose path and method match is chosen."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(re.compile(_pattern(route.path)), route) for route in routes]

    def match(self, method: str, path: str) -> Match:
        """Return the route of a request, and the variables in its URL.

        Raises
        ------
        NotFound
            If the URL is unknown.
        MethodNotAllowed
            If it has other methods only.
        """
        found = [(route, match) for form, route in self._routes if (match := form.fullmatch(path))]
        wanted = "GET" if method == "HEAD" else method
        for route, match in found:
            if route.method == wanted:
                return Match(route, _decoded(match.groupdict()))
        shown = f"{method} {path[:SHOWN_CHARACTERS]}"
        if not found:
            raise NotFound(f"unknown URL: {shown}", code="unknown_url")
        allowed = allowed_methods(route for route, _ in found)
        message = f"method must be {' or '.join(allowed)} (got {shown})"
        raise MethodNotAllowed(message, allowed=allowed)


def allowed_methods(routes: Iterable[Route]) -> tuple[str, ...]:
    methods: set[str] = {route.method for route in routes}
    if "GET" in methods:
        methods.add("HEAD")
    return tuple(method for method in METHODS if method in methods)


def _pattern(path: str) -> str:
    return re.escape(PREFIX) + VARIABLE.sub(
        lambda found: f"(?P<{found[2]}>{'.+' if found[1] else '[^/]+'})", path
    )


def _decoded(variables: Mapping[str, str]) -> dict[str, str]:
    decoded = {}
    for name, value in variables.items():
        try:
            decoded[name] = unquote(value, errors="strict")
        except UnicodeDecodeError:
            raise InvalidRequest(f"{name} must be valid UTF-8", param=name) from None
        if "\0" in decoded[name]:
            raise InvalidRequest(f"{name} must not contain NUL", param=name)
    return decoded
