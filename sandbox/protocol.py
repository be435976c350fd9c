"""What the smaller protocols have in common: strict bodies, keys, and refusals in their words."""

import dataclasses
import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import inputs
from sandbox.content import content_response
from sandbox.errors import SandboxError, UnusableInputError
from sandbox.forms import Body, BodyError, read_body
from sandbox.job import Job
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import SPOKEN_ERRORS, ApiError
from sandbox.openai_videos.fields import LARGEST_SIDE, SMALLEST_SIDE, Fields, check
from sandbox.openai_videos.views import refused_create
from sandbox.render_spec import Brief

Say = Callable[[int, str, str], Response]
"""A refusal in a protocol's words, from its HTTP status, code and message."""
Wish = TypeVar("Wish", bound=Fields)
Handlers = dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]


def handlers(say: Say) -> Handlers:
    """How each thing that the sandbox refuses is said."""

    async def answer(request: Request, error: Exception) -> Response:
        match error:
            case ApiError():
                return say(error.status, error.code or "invalid", error.message)
            case UnusableInputError() | BodyError():
                return say(400, "invalid", str(error))
            case HTTPException():
                text = f"{request.method} {request.url.path} is not served here."
                return say(error.status_code, "unknown_url", text)
            case _:
                status, code, message = SPOKEN_ERRORS[type(error)]
                return say(status, code or "unavailable", message)

    return dict.fromkeys((ApiError, SandboxError, BodyError, HTTPException), answer)


class Key:
    """Every path below needs the key, in the protocol's own header."""

    def __init__(self, app: ASGIApp, header: str, value: str, say: Say) -> None:
        self._app = app
        self._header = header.encode()
        self._expected = value.encode()
        self._say = say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"]).get(self._header, b"")
        known = hmac.compare_digest(given, self._expected)
        app = self._app if known else self._say(401, "unauthorized", "The key is not valid.")
        await app(scope, receive, send)


def bearer_key(key: str, say: Say) -> Middleware:
    return Middleware(Key, header="authorization", value=f"Bearer {key}", say=say)


async def submit(
    sandbox: Sandbox,
    request: Request,
    wish: type[Wish],
    brief_of: Callable[[Wish], Awaitable[Brief]],
) -> Job:
    """The job that a create call makes; the ledger shows also a call that makes none."""
    body = await read_json(request)
    try:
        brief = await brief_of(check(wish, body))
    except (ApiError, SandboxError):
        sandbox.request_log.creates.append(refused_create("create", body, None))
        raise
    return sandbox.submit(brief, None)


async def read_json(request: Request) -> Body:
    body = await read_body(request)
    if not body.typed:
        raise BodyError("Content-Type must be application/json.")
    return body


def sides(short: int, shape: str) -> tuple[int, int]:
    """Width and height, from the shorter of them and a shape such as `16:9`."""
    across, down = map(int, shape.split(":"))
    long = round(short * max(across, down) / min(across, down) / 2) * 2
    return checked((long, short) if across >= down else (short, long))


def checked(size: tuple[int, int]) -> tuple[int, int]:
    if any(side % 2 or not SMALLEST_SIDE <= side <= LARGEST_SIDE for side in size):
        text = f"Both sides must be even and {SMALLEST_SIDE} to {LARGEST_SIDE} pixels."
        raise ApiError(400, text, code="invalid")
    return size


async def with_picture(sandbox: Sandbox, brief: Brief, url: str | None) -> Brief:
    if url is None:
        return brief
    content = await inputs.read_picture_url(url)
    return dataclasses.replace(brief, image=inputs.keep_picture(content, sandbox.folder))


async def with_clip(sandbox: Sandbox, brief: Brief, url: str | None) -> Brief:
    if url is None:
        return brief
    clip, _ = await inputs.keep_clip(await inputs.read_picture_url(url), sandbox.folder)
    return dataclasses.replace(brief, clip=clip, source="edits")


def film(sandbox: Sandbox, request: Request, job_id: str) -> Response:
    job = sandbox.completed(job_id)
    sandbox.request_log.downloads[job.id] += 1
    return content_response(job, request.headers.get("range"))


def address(request: Request, path: str) -> str:
    """An address where the protocol is mounted; what needs no key is beside `/v1`."""
    here = request.scope["root_path"].removesuffix("/v1")
    return f"{request.url.scheme}://{request.url.netloc}{here}{path}"
