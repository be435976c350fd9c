"""ASGI middleware that injects faults into the response of a create call.

The job core plans the fault, the protocol writes its usual response, and the middleware delays,
replaces, cuts or drops that response.
"""

import asyncio
import socket
import struct
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Literal["none", "401", "500", "reset", "cut"]
RETRY_AFTER_STATUSES = frozenset({429, 503})
RESET_LINGER = struct.pack("ii", 1, 0)


@dataclass
class PlannedResponse:
    fault: Fault = "none"
    delay: float = 0
    """Seconds before the response starts."""
    retry_after: int | None = None
    """Retry-After of a 429 or 503; 0 omits the header, None keeps the protocol's own."""


_planned: ContextVar[PlannedResponse] = ContextVar("planned_response")


def planned_response() -> PlannedResponse:
    return _planned.get()


class ResponseFaults:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        planned = PlannedResponse()
        _planned.set(planned)

        async def send_with_fault(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _start(planned, message, scope, receive, send)
            elif planned.fault == "cut":
                half = message["body"][: len(message["body"]) // 2]
                await send({**message, "body": half, "more_body": True})
            elif planned.fault == "none":
                await send(message)

        await self._app(scope, receive, send_with_fault)


async def _start(
    planned: PlannedResponse, start: Message, scope: Scope, receive: Receive, send: Send
) -> None:
    await asyncio.sleep(planned.delay)
    match planned.fault:
        case "401" | "500" as status:
            await PlainTextResponse("Injected fault.", int(status))(scope, receive, send)
        case "reset":
            _reset(receive)
        case _:
            await send(_with_retry_after(planned, start))


def _with_retry_after(planned: PlannedResponse, start: Message) -> Message:
    if planned.retry_after is None or start["status"] not in RETRY_AFTER_STATUSES:
        return start
    headers = [(name, value) for name, value in start["headers"] if name != b"retry-after"]
    if planned.retry_after:
        headers.append((b"retry-after", str(planned.retry_after).encode()))
    return {**start, "headers": headers}


def _reset(receive: Receive) -> None:
    """Send a TCP RST through uvicorn's transport; ASGI has no such operation."""
    transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
    opened = transport.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_LINGER)
    transport.abort()
