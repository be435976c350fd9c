"""What a create call is told, where its prompt wants that to be other than what became of it.

The job core decides, every protocol writes its answer as always, and on the way out it is held
back, replaced, cut or never sent.
"""

import asyncio
import socket
import struct
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fate = Literal["whole", "401", "500", "reset", "cut"]
PATIENCE = frozenset({429, 503})
LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass
class Answer:
    """How the present call is to be answered."""

    fate: Fate = "whole"
    after: float = 0
    """Seconds that it is held back."""
    patience: int | None = None
    """What Retry-After says, if the answer is of a kind that has it; 0 is nothing at all."""


_answer: ContextVar[Answer] = ContextVar("answer")


def answer_of_this_call() -> Answer:
    return _answer.get()


class SpoiledAnswers:
    """Every path below is answered as the job core wants it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer()
        _answer.set(answer)

        async def send_spoiled(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _begin(answer, message, scope, receive, send)
            elif answer.fate == "cut":
                half = message["body"][: len(message["body"]) // 2]
                await send({**message, "body": half, "more_body": True})
            elif answer.fate == "whole":
                await send(message)

        await self._app(scope, receive, send_spoiled)


async def _begin(
    answer: Answer, start: Message, scope: Scope, receive: Receive, send: Send
) -> None:
    await asyncio.sleep(answer.after)
    match answer.fate:
        case "401" | "500" as status:
            await PlainTextResponse("As the prompt wants it.", int(status))(scope, receive, send)
        case "reset":
            _reset(receive)
        case _:
            await send(_patient(answer, start))


def _patient(answer: Answer, start: Message) -> Message:
    if answer.patience is None or start["status"] not in PATIENCE:
        return start
    headers = [(name, value) for name, value in start["headers"] if name != b"retry-after"]
    if answer.patience:
        headers.append((b"retry-after", str(answer.patience).encode()))
    return {**start, "headers": headers}


def _reset(receive: Receive) -> None:
    """ASGI knows no way to end a connection without a word; uvicorn's own object behind it does."""
    transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
    opened = transport.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    transport.abort()
