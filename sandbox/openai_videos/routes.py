"""The calls themselves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.content import content_response
from sandbox.errors import SandboxError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.forms import Body, read_body
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import HANDLERS, ApiError, BearerKey
from sandbox.openai_videos.fields import (
    CreateNamedVideo,
    CreateVideo,
    EditVideo,
    ListVideos,
    RemixVideo,
    check,
)
from sandbox.openai_videos.render_specs import brief_of_create, brief_of_edit, brief_of_remix
from sandbox.openai_videos.views import refused_create, view_job, view_list
from sandbox.render_spec import Brief
from sandbox.request_log import Source

POLL_AFTER_MS = 250


@dataclass(frozen=True)
class Flavour:
    """How servers of this API differ in what a client can do about a create call without answer."""

    create_fields: type[CreateVideo]
    knows_keys: bool


KEYED = Flavour(CreateVideo, knows_keys=True)
"""A call under a known Idempotency-Key is answered with the job that is there."""
SEARCHABLE = Flavour(CreateNamedVideo, knows_keys=False)
"""What the client calls a job is shown with it, also in lists."""


class OpenAIVideos:
    def __init__(self, sandbox: Sandbox, flavour: Flavour) -> None:
        self._sandbox = sandbox
        self._flavour = flavour

    async def create(self, request: Request) -> Response:
        async def brief_of(body: Body) -> Brief:
            return await brief_of_create(self._sandbox, check(self._flavour.create_fields, body))

        return await self._submit(request, "create", brief_of)

    async def remix(self, request: Request) -> Response:
        async def brief_of(body: Body) -> Brief:
            source = self._sandbox.completed(request.path_params["video_id"])
            return brief_of_remix(self._sandbox, source, check(RemixVideo, body).prompt, "remix")

        return await self._submit(request, "remix", brief_of)

    async def edit(self, request: Request) -> Response:
        async def brief_of(body: Body) -> Brief:
            return await brief_of_edit(self._sandbox, check(EditVideo, body))

        return await self._submit(request, "edits", brief_of)

    async def list(self, request: Request) -> Response:
        query = check(ListVideos, Body(dict(request.query_params), typed=False))
        jobs = [job for job in self._sandbox.jobs.values() if job.is_listed]
        if query.order == "desc":
            jobs.reverse()
        if query.after is not None:
            ids = [job.id for job in jobs]
            if query.after not in ids:
                raise ApiError(400, "No video with this id.", code="invalid_value", param="after")
            jobs = jobs[ids.index(query.after) + 1 :]
        return JSONResponse(view_list(jobs, query.limit))

    async def retrieve(self, request: Request) -> Response:
        job = self._sandbox.poll(request.path_params["video_id"])
        body = view_job(job)
        if "unknown-status" in job.directives:
            body["status"] = UNKNOWN_STATUS
        return JSONResponse(body, headers={"openai-poll-after-ms": str(POLL_AFTER_MS)})

    async def delete(self, request: Request) -> Response:
        video_id = request.path_params["video_id"]
        self._sandbox.delete(video_id)
        return JSONResponse({"id": video_id, "object": "video.deleted", "deleted": True})

    async def content(self, request: Request) -> Response:
        job = self._sandbox.completed(request.path_params["video_id"])
        variant = request.query_params.get("variant", "video")
        if variant != "video":
            text = f"The sandbox makes no {variant}."
            raise ApiError(404, text, code="not_found", param="variant")
        self._sandbox.request_log.downloads[job.id] += 1
        return content_response(job, request.headers.get("range"))

    async def _submit(
        self, request: Request, source: Source, brief_of: Callable[[Body], Awaitable[Brief]]
    ) -> Response:
        body = await read_body(request)
        key = request.headers.get("idempotency-key")
        try:
            brief = await brief_of(body)
        except (ApiError, SandboxError):
            self._sandbox.request_log.creates.append(refused_create(source, body, key))
            raise
        known = self._sandbox.repeat(brief, key) if key and self._flavour.knows_keys else None
        return JSONResponse(view_job(known or self._sandbox.submit(brief, key)))


def create_app(sandbox: Sandbox, api_key: str, flavour: Flavour = KEYED) -> Starlette:
    calls = OpenAIVideos(sandbox, flavour)
    return Starlette(
        routes=[
            Route("/videos", calls.create, methods=["POST"]),
            Route("/videos", calls.list),
            Route("/videos/edits", calls.edit, methods=["POST"]),
            Route("/videos/{video_id}", calls.retrieve),
            Route("/videos/{video_id}", calls.delete, methods=["DELETE"]),
            Route("/videos/{video_id}/content", calls.content),
            Route("/videos/{video_id}/remix", calls.remix, methods=["POST"]),
        ],
        middleware=[Middleware(BearerKey, api_key=api_key)],
        exception_handlers=HANDLERS,
    )
