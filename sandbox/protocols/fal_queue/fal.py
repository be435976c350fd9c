"""fal's queue: three statuses, failed requests are COMPLETED, results contain plain URLs."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from sandbox.errors import NotReadyError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.protocols.fal_queue import published_arguments
from sandbox.protocols.fal_queue.models import FAL_MODELS
from sandbox.protocols.fal_queue.published_models import endpoints
from sandbox.protocols.fal_queue.routes import Queue, failed
from sandbox.protocols.output_files import describe
from sandbox.protocols.request_body import Body
from sandbox.rendering.render_spec import RenderSpec

STATUSES = {JobStatus.QUEUED: "IN_QUEUE", JobStatus.IN_PROGRESS: "IN_PROGRESS"}


class FalQueue(Queue):
    models = FAL_MODELS
    key_scheme = "Key"

    @override
    async def read_spec(self, model: str, body: Body) -> RenderSpec:
        """Check the arguments of a published endpoint against its schema."""
        endpoint = endpoints().get(model)
        if endpoint is None:
            return await super().read_spec(model, body)
        endpoint.check(body.fields)
        return await published_arguments.build_spec(self.sandbox, model, endpoint, body.fields)

    @override
    def app_of(self, model: str) -> str:
        """Return owner and alias; fal drops the sub-path of a model."""
        return "/".join(model.split("/")[:2])

    @override
    def view_accepted(self, job: Job, urls: dict[str, str], request: Request) -> Response:
        position = self.queue_position(job)
        accepted = {"status": "IN_QUEUE", "request_id": job.id, "queue_position": position}
        return JSONResponse({**accepted, **urls})

    @override
    def view_status(self, job: Job, url: str) -> Response:
        """Return 202 until the job ends; only the result reports filtered content."""
        status = STATUSES.get(job.status, "COMPLETED")
        view: dict[str, object] = {
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "request_id": job.id,
            "response_url": url,
            "logs": None,
        }
        if status == "IN_QUEUE":
            view["queue_position"] = self.queue_position(job)
        if job.failure and job.failure.code != "content_filter":
            view |= {"error": job.failure.message, "error_type": job.failure.code}
        return JSONResponse(view, 200 if status == "COMPLETED" else 202)

    @override
    def view_result(self, job: Job, request: Request) -> Response:
        if job.failure:
            return failed(job.failure)
        if job.status is not JobStatus.COMPLETED:
            raise NotReadyError
        if job.spec.modality == "transcription":
            return JSONResponse(json.loads(job.output.read_text()))
        file = describe(job, request)
        if endpoint := endpoints().get(job.spec.model):
            return JSONResponse(published_arguments.result_of(endpoint.output, file))
        result: dict[str, object] = {"seed": job.spec.seed or 0}
        if job.spec.modality == "image":
            size = {"width": job.spec.width, "height": job.spec.height}
            result["images"] = [{**file, **size}]
        else:
            result["audio_file" if job.spec.modality == "audio" else "video"] = file
        return JSONResponse(result)

    @override
    def stop(self, job: Job) -> Response:
        if job.ended_at is not None:
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        self.sandbox.stop(job.id, "request_cancelled")
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)
