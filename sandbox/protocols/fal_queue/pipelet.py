"""Pipelet's queue: five statuses, progress as text, videos in base64 or as a URL."""

import base64

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from sandbox.errors import NotReadyError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols.fal_queue.models import (
    INLINE_MODELS,
    PIPELET_MODELS,
    documented_arguments,
)
from sandbox.protocols.fal_queue.routes import Queue, error_response
from sandbox.protocols.model_arguments import build_spec
from sandbox.protocols.output_files import output_url
from sandbox.protocols.request_body import Body, BodyError
from sandbox.published import read_vendor
from sandbox.rendering.render_spec import RenderSpec

PUBLISHED = read_vendor("pipelet")
TASKS = 24
STATUSES = {
    JobStatus.QUEUED: "IN_QUEUE",
    JobStatus.IN_PROGRESS: "IN_PROGRESS",
    JobStatus.COMPLETED: "COMPLETED",
    JobStatus.FAILED: "FAILED",
}
CANCELLED = "cancelled"


class PipeletQueue(Queue):
    models = PIPELET_MODELS
    key_scheme = "Bearer"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._output_as_url: set[str] = set()

    @override
    async def read_spec(self, model: str, body: Body) -> RenderSpec:
        """Check the arguments of a documented model against the document."""
        published = PUBLISHED.find(model)
        if published is None:
            return await super().read_spec(model, body)
        if violation := published.violation(body.fields):
            raise BodyError(f"{violation.field}: {violation.message}", violation.field)
        arguments = documented_arguments(body.fields, published.defaults)
        return await build_spec(self.sandbox, model, arguments)

    @override
    def app_of(self, model: str) -> str:
        return model

    @override
    def view_accepted(self, job: Job, urls: dict[str, str], request: Request) -> Response:
        binary = request.headers.get("x-pipelet-output") == "binary"
        if binary and job.spec.model not in INLINE_MODELS:
            self._output_as_url.add(job.id)
        return JSONResponse({"request_id": job.id, **urls})

    @override
    def view_status(self, job: Job, url: str) -> Response:
        cancelled = job.failure is not None and job.failure.code == CANCELLED
        status = "CANCELLED" if cancelled else STATUSES[job.status]
        view: dict[str, object] = {
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "statusMessages": self._messages(job),
            "response_url": url,
        }
        if status == "IN_QUEUE":
            view["queue_position"] = self.queue_position(job)
        return JSONResponse(view)

    def _messages(self, job: Job) -> dict[str, str]:
        if job.failure:
            return {"message": "FAILED", "detail_message": job.failure.message}
        if job.status is JobStatus.QUEUED:
            return {}
        if job.status is JobStatus.COMPLETED:
            return {"message": "Job completed successfully"}
        done = job.progress * TASKS // 100
        return {"message": "PROCESSING", "detail_message": f"Progress: {done}/{TASKS} Tasks done"}

    @override
    def view_result(self, job: Job, request: Request) -> Response:
        if job.status is not JobStatus.COMPLETED:
            raise NotReadyError
        if job.id in self._output_as_url:
            url = output_url(job, request)
            return JSONResponse({"video": {"data_uri": url, "data_url": url}})
        self.sandbox.request_log.downloads[job.id] += 1
        content = base64.b64encode(job.output.read_bytes()).decode()
        return JSONResponse({"video": {"data_uri": content}})

    @override
    def stop(self, job: Job) -> Response:
        if job.status is not JobStatus.QUEUED:
            return error_response(409, "The job has started already.")
        self.sandbox.stop(job.id, CANCELLED)
        return Response(status_code=204)
