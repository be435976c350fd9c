"""The queue as Pipelet has it: five statuses, progress in words, films in base64 or by address."""

import base64

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from sandbox.errors import NotReadyError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.outputs import address_of
from sandbox.queue.formats import refusal
from sandbox.queue.models import INLINE_MODELS, PIPELET_MODELS
from sandbox.queue.routes import Queue

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
        self._by_address: set[str] = set()

    @override
    def app_of(self, model: str) -> str:
        return model

    @override
    def view_accepted(self, job: Job, addresses: dict[str, str], request: Request) -> Response:
        wants_address = request.headers.get("x-pipelet-output") == "binary"
        if wants_address and job.brief.model not in INLINE_MODELS:
            self._by_address.add(job.id)
        return JSONResponse({"request_id": job.id, **addresses})

    @override
    def view_status(self, job: Job, address: str) -> Response:
        cancelled = job.failure is not None and job.failure.code == CANCELLED
        status = "CANCELLED" if cancelled else STATUSES[job.status]
        view: dict[str, object] = {
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "statusMessages": self._messages(job),
            "response_url": address,
        }
        if status == "IN_QUEUE":
            view["queue_position"] = self.place_in_queue(job)
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
        if job.id in self._by_address:
            address = address_of(job, request)
            return JSONResponse({"video": {"data_uri": address, "data_url": address}})
        self.sandbox.request_log.downloads[job.id] += 1
        content = base64.b64encode(job.media.read_bytes()).decode()
        return JSONResponse({"video": {"data_uri": content}})

    @override
    def stop(self, job: Job) -> Response:
        if job.status is not JobStatus.QUEUED:
            return refusal(409, "The job has started already.")
        self.sandbox.stop(job.id, CANCELLED)
        return Response(status_code=204)
