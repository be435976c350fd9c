"""MiniMax's video tasks: errors have HTTP status 200, and a second call returns the video's URL."""

from typing import Annotated, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.errors import UnknownJobError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols import json_protocol
from sandbox.protocols.fields import Fields, Seconds, check_size, size_from
from sandbox.rendering.render_spec import RenderSpec

SUCCESS = {"status_code": 0, "status_msg": "success"}
CODES = {"content_policy_violation": 1026, "rate_limit_exceeded": 1002, "unauthorized": 1004}
INVALID = 2013
STATUSES = {
    JobStatus.QUEUED: "Queueing",
    JobStatus.IN_PROGRESS: "Processing",
    JobStatus.COMPLETED: "Success",
    JobStatus.FAILED: "Fail",
}
FAILURE_CODES = {"content_filter": 1027, "internal_error": 1000}


class VideoGeneration(Fields):
    model: Literal["sandbox-1", "sandbox-1-pro"]
    prompt: Annotated[str, Field(min_length=1, max_length=2000)]
    duration: Seconds = 6
    resolution: Annotated[str, Field(pattern=r"^[1-9]\d{1,3}P$")] = "768P"
    first_frame_image: str | None = None
    prompt_optimizer: bool = True


class MiniMax:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create(self, request: Request) -> Response:
        job = await json_protocol.submit(self._sandbox, request, VideoGeneration, self._build_spec)
        return JSONResponse({"task_id": job.id, "base_resp": SUCCESS})

    async def query(self, request: Request) -> Response:
        job = self._sandbox.poll(request.query_params.get("task_id", ""))
        status = UNKNOWN_STATUS if "unknown-status" in job.directives else STATUSES[job.status]
        view: dict[str, object] = {"task_id": job.id, "status": status, "base_resp": SUCCESS}
        if job.status is JobStatus.COMPLETED:
            view["file_id"] = _file_id(job)
        if job.failure:
            code = FAILURE_CODES.get(job.failure.code, 1000)
            view["base_resp"] = {"status_code": code, "status_msg": job.failure.message}
        return JSONResponse(view)

    async def retrieve(self, request: Request) -> Response:
        file_id = request.query_params.get("file_id", "")
        jobs = self._sandbox.jobs.values()
        job = next((job for job in jobs if str(_file_id(job)) == file_id), None)
        if job is None:
            raise UnknownJobError(file_id)
        url = f"{json_protocol.mount_url(request)}/files/{job.id}.mp4"
        file = {"file_id": _file_id(job), "filename": "output.mp4", "download_url": url}
        return JSONResponse({"file": file, "base_resp": SUCCESS})

    async def output(self, request: Request) -> Response:
        return json_protocol.download(self._sandbox, request, request.path_params["id"])

    async def _build_spec(self, params: VideoGeneration) -> RenderSpec:
        width, height = check_size(size_from(int(params.resolution[:-1]), "16:9"))
        spec = RenderSpec(params.prompt, params.model, width, height, params.duration)
        return await json_protocol.with_image(self._sandbox, spec, params.first_frame_image)


def _file_id(job: Job) -> int:
    """Derive MiniMax's numeric file id from the job id."""
    return int(job.id.rpartition("_")[2][:12], 16)


def write_error(status: int, code: str, message: str) -> Response:
    """Return HTTP 200 for every error below 500."""
    base = {"status_code": CODES.get(code, INVALID), "status_msg": message}
    return JSONResponse({"base_resp": base}, status if status >= 500 else 200)


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    api = MiniMax(sandbox)
    handlers = json_protocol.error_handlers(write_error)
    authenticated = Starlette(
        routes=[
            Route("/video_generation", api.create, methods=["POST"]),
            Route("/query/video_generation", api.query),
            Route("/files/retrieve", api.retrieve),
        ],
        middleware=[json_protocol.require_key(f"Bearer {api_key}", write_error)],
        exception_handlers=handlers,
    )
    return Starlette(
        routes=[Mount("/v1", authenticated), Route("/files/{id}.mp4", api.output)],
        exception_handlers=handlers,
    )
