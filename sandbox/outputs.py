"""Files at addresses that need no key, and that are gone after a while where a prompt asks so."""

import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.content import MEDIA_TYPES, content_response
from sandbox.errors import NotReadyError, UnknownJobError
from sandbox.job import Job
from sandbox.jobs import Sandbox

KEPT_SECONDS = 24 * 3600
PLACE = "/outputs"


def address_of(job: Job, request: Request) -> str:
    """Ids of jobs cannot be guessed."""
    return f"{_origin(request)}{PLACE}/{job.id}/{job.media.name}"


def home_of(request: Request) -> str:
    """Where the protocol is mounted that a request came by."""
    return f"{_origin(request)}{request.scope['root_path']}"


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def describe(job: Job, request: Request) -> dict[str, object]:
    return {
        "url": address_of(job, request),
        "content_type": MEDIA_TYPES[job.brief.kind],
        "file_name": job.media.name,
        "file_size": job.media.stat().st_size,
    }


def routes(sandbox: Sandbox) -> list[Route]:
    async def fetch(request: Request) -> Response:
        """As a presigned address would, it minds a key that is meant for somebody else."""
        if "authorization" in request.headers:
            return PlainTextResponse("Only one way to authenticate is allowed.", 400)
        try:
            job = sandbox.completed(request.path_params["id"])
        except (UnknownJobError, NotReadyError):
            return PlainTextResponse("There is no such file.", 404)
        age = time.time() - (job.ended_at or 0)
        if age > job.directives.get("expire", KEPT_SECONDS):
            return PlainTextResponse("This file is gone.", 403)
        sandbox.request_log.downloads[job.id] += 1
        if sandbox.request_log.downloads[job.id] <= job.directives.get("expired", 0):
            return PlainTextResponse("This address has expired.", 403)
        return content_response(job, request.headers.get("range"))

    return [Route(f"{PLACE}/{{id}}/{{name}}", fetch)]
