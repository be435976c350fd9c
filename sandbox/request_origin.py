"""Refuse requests that a web page of another site causes in a browser on this machine.

A browser can send requests to a server that listens on the loopback interface. `Origin` and
`Sec-Fetch-Site` show a page of another site. `Host` shows DNS rebinding, where a page's own host
name resolves to 127.0.0.1 and the page counts as the same origin. SDKs send neither of the first
two and address the server by its loopback name. A page of this machine has `Origin: null` after a
redirect from one local server to another, and `Sec-Fetch-Site: same-site`.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, TypeAlias

LOOPBACK = r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?"
HOST = re.compile(LOOPBACK, re.IGNORECASE)
ORIGIN = re.compile(rf"https?://{LOOPBACK}", re.IGNORECASE)
MAX_SHOWN_CHARACTERS = 80

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def refusal(headers: Mapping[str, str]) -> str | None:
    """Return why a request is refused, or None. `headers` has lower-case names."""
    host, origin = headers.get("host", ""), headers.get("origin")
    site = headers.get("sec-fetch-site")
    if not HOST.fullmatch(host):
        return f"Host must be 127.0.0.1 or localhost (got {host[:MAX_SHOWN_CHARACTERS]})"
    redirected = origin == "null" and site == "same-site"
    if origin is not None and not redirected and not ORIGIN.fullmatch(origin):
        return f"Origin must be a page of this machine (got {origin[:MAX_SHOWN_CHARACTERS]})"
    if site == "cross-site":
        return "Sec-Fetch-Site must not be cross-site"
    return None


def joined_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Join repeated headers by commas, so that a second Host or Origin does not hide."""
    values: dict[str, list[str]] = {}
    for name, value in raw:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return {name: ",".join(items) for name, items in values.items()}


class RefuseForeignPages:
    """ASGI middleware that answers 403 to such requests."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = None
        if scope["type"] in ("http", "websocket"):
            reason = refusal(joined_headers(scope["headers"]))
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await send_refusal(send, reason)


async def send_refusal(send: Send, reason: str) -> None:
    body = json.dumps({"message": reason}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
