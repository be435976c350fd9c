"""Routes of the OpenAI Videos API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols import json_protocol
from sandbox.protocols.api_error import HANDLERS, ApiError, bearer_key
from sandbox.protocols.fields import check
from sandbox.protocols.openai_videos.requests import (
    CreateVideo,
    CreateVideoWithReference,
    EditVideo,
    ListVideos,
    RemixVideo,
    spec_for_create,
    spec_for_edit,
    spec_for_published,
    spec_for_remix,
)
from sandbox.protocols.request_body import Body, read_body
from sandbox.rendering.render_spec import RenderSpec
from sandbox.request_log import Source

EXPIRES_AFTER = 24 * 3600


def view_job(job: Job) -> dict[str, object]:
    """Return all thirteen published fields (null if not applicable) and the client's reference."""
    completed = job.status is JobStatus.COMPLETED and job.ended_at is not None
    completed_at = int(job.ended_at) if completed and job.ended_at else None
    return {
        "id": job.id,
        "object": "video",
        "model": job.spec.model,
        "status": job.status.value,
        "progress": job.progress,
        "created_at": int(job.created_at),
        "completed_at": completed_at,
        "expires_at": completed_at and completed_at + EXPIRES_AFTER,
        "prompt": job.spec.prompt,
        "size": job.spec.size,
        "seconds": str(job.spec.seconds),
        "remixed_from_video_id": job.spec.clip_id,
        "error": job.failure and {"code": job.failure.code, "message": job.failure.message},
        **(job.spec.reference or {}),
    }


def view_list(jobs: list[Job], limit: int) -> dict[str, object]:
    page = jobs[:limit]
    return {
        "object": "list",
        "data": [view_job(job) for job in page],
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
        "has_more": len(jobs) > len(page),
    }


POLL_AFTER_MS = 250


@dataclass(frozen=True)
class Variant:
    """Ways in which a server lets clients resolve an unanswered create call."""

    create_fields: type[CreateVideo]
    supports_idempotency_keys: bool


WITH_IDEMPOTENCY_KEYS = Variant(CreateVideo, supports_idempotency_keys=True)
"""A create call with a known Idempotency-Key returns the existing job."""
WITH_LOOKUP = Variant(CreateVideoWithReference, supports_idempotency_keys=False)
"""Jobs and lists contain the client's reference (`user` and `metadata`)."""


class OpenAIVideos:
    def __init__(self, sandbox: Sandbox, variant: Variant) -> None:
        self._sandbox = sandbox
        self._variant = variant

    async def create(self, request: Request) -> Response:
        async def build_spec(body: Body) -> RenderSpec:
            if spec := await spec_for_published(self._sandbox, body):
                return spec
            return await spec_for_create(self._sandbox, check(self._variant.create_fields, body))

        return await self._submit(request, "create", build_spec)

    async def remix(self, request: Request) -> Response:
        async def build_spec(body: Body) -> RenderSpec:
            job = self._sandbox.completed(request.path_params["video_id"])
            return spec_for_remix(self._sandbox, job, check(RemixVideo, body).prompt, "remix")

        return await self._submit(request, "remix", build_spec)

    async def edit(self, request: Request) -> Response:
        async def build_spec(body: Body) -> RenderSpec:
            return await spec_for_edit(self._sandbox, check(EditVideo, body))

        return await self._submit(request, "edits", build_spec)

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
            text = f"The sandbox renders no {variant}."
            raise ApiError(404, text, code="not_found", param="variant")
        return json_protocol.download(self._sandbox, request, job.id)

    async def _submit(
        self, request: Request, source: Source, build_spec: Callable[[Body], Awaitable[RenderSpec]]
    ) -> Response:
        body = await read_body(request)
        key = request.headers.get("idempotency-key")
        with json_protocol.log_rejection(self._sandbox, body, key, source):
            spec = await build_spec(body)
        job = None
        if key and self._variant.supports_idempotency_keys:
            job = self._sandbox.replay(spec, key)
        return JSONResponse(view_job(job or self._sandbox.submit(spec, key)))


def create_app(
    sandbox: Sandbox, api_key: str, variant: Variant = WITH_IDEMPOTENCY_KEYS
) -> Starlette:
    api = OpenAIVideos(sandbox, variant)
    return Starlette(
        routes=[
            Route("/videos", api.create, methods=["POST"]),
            Route("/videos", api.list),
            Route("/videos/edits", api.edit, methods=["POST"]),
            Route("/videos/{video_id}", api.retrieve),
            Route("/videos/{video_id}", api.delete, methods=["DELETE"]),
            Route("/videos/{video_id}/content", api.content),
            Route("/videos/{video_id}/remix", api.remix, methods=["POST"]),
        ],
        middleware=[bearer_key(api_key)],
        exception_handlers=HANDLERS,
    )
