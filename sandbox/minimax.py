"""Tasks as MiniMax has them: refusals come with status 200, and a film has to be asked for."""

from typing import Annotated, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox import protocol
from sandbox.errors import UnknownJobError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.openai_videos.fields import Fields
from sandbox.render_spec import Brief

FINE = {"status_code": 0, "status_msg": "success"}
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
    duration: Annotated[int, Field(ge=1, le=60)] = 6
    resolution: Annotated[str, Field(pattern=r"^[1-9]\d{1,3}P$")] = "768P"
    first_frame_image: str | None = None
    prompt_optimizer: bool = True


class MiniMax:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create(self, request: Request) -> Response:
        job = await protocol.submit(self._sandbox, request, VideoGeneration, self._brief)
        return JSONResponse({"task_id": job.id, "base_resp": FINE})

    async def query(self, request: Request) -> Response:
        job = self._sandbox.poll(request.query_params.get("task_id", ""))
        status = UNKNOWN_STATUS if "unknown-status" in job.directives else STATUSES[job.status]
        view: dict[str, object] = {"task_id": job.id, "status": status, "base_resp": FINE}
        if job.status is JobStatus.COMPLETED:
            view["file_id"] = _file_id(job)
        if job.failure:
            code = FAILURE_CODES.get(job.failure.code, 1000)
            view["base_resp"] = {"status_code": code, "status_msg": job.failure.message}
        return JSONResponse(view)

    async def retrieve(self, request: Request) -> Response:
        file_id = request.query_params.get("file_id", "")
        job = next((it for it in self._sandbox.jobs.values() if str(_file_id(it)) == file_id), None)
        if job is None:
            raise UnknownJobError(file_id)
        url = protocol.address(request, f"/files/{job.id}.mp4")
        file = {"file_id": _file_id(job), "filename": "output.mp4", "download_url": url}
        return JSONResponse({"file": file, "base_resp": FINE})

    async def output(self, request: Request) -> Response:
        return protocol.film(self._sandbox, request, request.path_params["id"])

    async def _brief(self, wish: VideoGeneration) -> Brief:
        width, height = protocol.sides(int(wish.resolution[:-1]), "16:9")
        brief = Brief(wish.prompt, wish.model, width, height, wish.duration)
        return await protocol.with_picture(self._sandbox, brief, wish.first_frame_image)


def _file_id(job: Job) -> int:
    """A number, as they are there, and another name than the task's."""
    return int(job.id.rpartition("_")[2][:12], 16)


def say(status: int, code: str, message: str) -> Response:
    """Only a server that is unwell says so by its status."""
    base = {"status_code": CODES.get(code, INVALID), "status_msg": message}
    return JSONResponse({"base_resp": base}, status if status >= 500 else 200)


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    calls = MiniMax(sandbox)
    spoken = protocol.handlers(say)
    keyed = Starlette(
        routes=[
            Route("/video_generation", calls.create, methods=["POST"]),
            Route("/query/video_generation", calls.query),
            Route("/files/retrieve", calls.retrieve),
        ],
        middleware=[protocol.bearer_key(api_key, say)],
        exception_handlers=spoken,
    )
    return Starlette(
        routes=[Mount("/v1", keyed), Route("/files/{id}.mp4", calls.output)],
        exception_handlers=spoken,
    )
