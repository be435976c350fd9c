"""Parts shared by the protocols: create calls, input files, output links, error handlers."""

import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from sandbox import inputs
from sandbox.content import content_response
from sandbox.errors import SandboxError
from sandbox.job import Job
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import HANDLED, ApiError, RequireApiKey, to_api_error
from sandbox.protocols.fields import Fields, check
from sandbox.protocols.request_body import Body, read_json
from sandbox.rendering.render_spec import RenderSpec
from sandbox.request_log import Create, Source

WriteError = Callable[[int, str, str], Response]
"""Builds a protocol's error response from HTTP status, code and message."""
Params = TypeVar("Params", bound=Fields)
Handlers = dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]


def error_handlers(write_error: WriteError) -> Handlers:
    async def respond(request: Request, error: Exception) -> Response:
        known = to_api_error(request, error)
        return write_error(known.status, known.code or "", known.message)

    return dict.fromkeys(HANDLED, respond)


def require_key(value: str, write_error: WriteError, header: str = "authorization") -> Middleware:
    def unauthorized() -> Response:
        return write_error(401, "unauthorized", "The key is not valid.")

    return Middleware(RequireApiKey, value, unauthorized, header)


@contextmanager
def log_rejection(
    sandbox: Sandbox, body: Body, key: str | None = None, source: Source = "create"
) -> Iterator[None]:
    """Add a create call to the request log when its fields are rejected."""
    try:
        yield
    except (ApiError, SandboxError):
        sandbox.request_log.creates.append(_rejected_create(source, body, key))
        raise


def _rejected_create(source: Source, body: Body, key: str | None) -> Create:
    """Log the fields that have the right type."""
    texts = {
        name: value
        for name in ("prompt", "model", "size", "seconds")
        if isinstance(value := body.fields.get(name), str)
    }
    seed = body.fields.get("seed")
    return Create(
        source=source,
        prompt=texts.get("prompt"),
        model=texts.get("model"),
        size=texts.get("size"),
        seconds=texts.get("seconds"),
        seed=seed if isinstance(seed, int) else None,
        idempotency_key=key,
        has_input_reference="input_reference" in body.fields,
    )


async def submit(
    sandbox: Sandbox,
    request: Request,
    model: type[Params],
    build_spec: Callable[[Params], Awaitable[RenderSpec]],
    key: str | None = None,
) -> Job:
    """Validate a JSON create call and submit its job."""
    body = await read_json(request)
    with log_rejection(sandbox, body, key):
        spec = await build_spec(check(model, body))
    return sandbox.submit(spec, key)


async def with_image(sandbox: Sandbox, spec: RenderSpec, url: str | None) -> RenderSpec:
    if url is None:
        return spec
    content = await inputs.read_url(url)
    return dataclasses.replace(spec, image=inputs.store_image(content, sandbox.folder))


async def with_clip(sandbox: Sandbox, spec: RenderSpec, url: str | None) -> RenderSpec:
    if url is None:
        return spec
    clip, _ = await inputs.store_clip(await inputs.read_url(url), sandbox.folder)
    return dataclasses.replace(spec, clip=clip, source="edits")


def download(sandbox: Sandbox, request: Request, job_id: str) -> Response:
    job = sandbox.completed(job_id)
    sandbox.request_log.downloads[job.id] += 1
    return content_response(job, request.headers.get("range"))


def mount_url(request: Request, version: str = "/v1") -> str:
    """Return the protocol's mount URL; links without authentication are beside `version`."""
    prefix = request.scope["root_path"].removesuffix(version)
    return f"{request.url.scheme}://{request.url.netloc}{prefix}"
