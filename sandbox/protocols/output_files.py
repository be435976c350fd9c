"""Output links without API key, which expire; ``[expire=N]`` shortens their life."""

import secrets
import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.content import MEDIA_TYPES, content_response
from sandbox.errors import NotReadyError, UnknownJobError
from sandbox.job import Job
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import ApiError

LINK_SECONDS = 24 * 3600
PREFIX = "/outputs"


class Links:
    def __init__(self) -> None:
        self._links: dict[str, tuple[str, float]] = {}

    def create(self, job_id: str, seconds: int) -> str:
        """Return a new token that is valid for the given time."""
        token = secrets.token_urlsafe(16)
        self._links[token] = job_id, time.time() + seconds
        return token

    def resolve(self, token: str) -> str:
        """Return the job id; raise a 403 ApiError for an expired or unknown token."""
        job_id, expires_at = self._links.get(token, ("", 0.0))
        if time.time() >= expires_at:
            raise ApiError(403, "This link has expired or is unknown.", code="expired_link")
        return job_id


def output_url(job: Job, request: Request) -> str:
    """Return the file's URL; the job id in it cannot be guessed."""
    return f"{request.url.scheme}://{request.url.netloc}{PREFIX}/{job.id}/{job.output.name}"


def describe(job: Job, request: Request) -> dict[str, object]:
    return {
        "url": output_url(job, request),
        "content_type": MEDIA_TYPES[job.spec.modality],
        "file_name": job.output.name,
        "file_size": job.output.stat().st_size,
    }


def routes(sandbox: Sandbox) -> list[Route]:
    async def fetch(request: Request) -> Response:
        # Presigned S3 URLs refuse an Authorization header, too.
        if "authorization" in request.headers:
            return PlainTextResponse("Only one way to authenticate is allowed.", 400)
        try:
            job = sandbox.completed(request.path_params["id"])
        except (UnknownJobError, NotReadyError):
            return PlainTextResponse("Unknown file.", 404)
        age = time.time() - (job.ended_at or 0)
        if age > job.directives.get("expire", LINK_SECONDS):
            return PlainTextResponse("This file was deleted.", 403)
        sandbox.request_log.downloads[job.id] += 1
        if sandbox.request_log.downloads[job.id] <= job.directives.get("expired", 0):
            return PlainTextResponse("This URL has expired.", 403)
        return content_response(job, request.headers.get("range"))

    return [Route(f"{PREFIX}/{{id}}/{{name}}", fetch)]
