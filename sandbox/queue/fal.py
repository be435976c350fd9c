"""The queue as fal has it: three statuses, failures as COMPLETED, results at plain addresses."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from sandbox.errors import NotReadyError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.outputs import describe
from sandbox.queue.formats import failed
from sandbox.queue.models import FAL_MODELS
from sandbox.queue.routes import Queue

STATUSES = {JobStatus.QUEUED: "IN_QUEUE", JobStatus.IN_PROGRESS: "IN_PROGRESS"}


class FalQueue(Queue):
    models = FAL_MODELS
    key_scheme = "Key"

    @override
    def app_of(self, model: str) -> str:
        """Owner and alias; the sub-path of a model is dropped."""
        return "/".join(model.split("/")[:2])

    @override
    def view_accepted(self, job: Job, addresses: dict[str, str], request: Request) -> Response:
        place = self.place_in_queue(job)
        accepted = {"status": "IN_QUEUE", "request_id": job.id, "queue_position": place}
        return JSONResponse({**accepted, **addresses})

    @override
    def view_status(self, job: Job, address: str) -> Response:
        """202 until it has ended. What the filter caught is told by the result alone."""
        status = STATUSES.get(job.status, "COMPLETED")
        view: dict[str, object] = {
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "request_id": job.id,
            "response_url": address,
            "logs": None,
        }
        if status == "IN_QUEUE":
            view["queue_position"] = self.place_in_queue(job)
        if job.failure and job.failure.code != "content_filter":
            view |= {"error": job.failure.message, "error_type": job.failure.code}
        return JSONResponse(view, 200 if status == "COMPLETED" else 202)

    @override
    def view_result(self, job: Job, request: Request) -> Response:
        if job.failure:
            return failed(job.failure)
        if job.status is not JobStatus.COMPLETED:
            raise NotReadyError
        file = describe(job, request)
        result: dict[str, object] = {"seed": job.brief.seed or 0}
        if job.brief.kind == "image":
            sides = {"width": job.brief.width, "height": job.brief.height}
            result["images"] = [{**file, **sides}]
        else:
            result["audio_file" if job.brief.kind == "audio" else "video"] = file
        return JSONResponse(result)

    @override
    def stop(self, job: Job) -> Response:
        if job.ended_at is not None:
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        self.sandbox.stop(job.id, "request_cancelled")
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)
