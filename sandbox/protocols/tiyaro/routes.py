"""Routes of Tiyaro's calls, and of uploads and outputs, which need no key.

A job's fields are at the top level, and again under ``response``.
"""

import json
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import HANDLERS, ApiError, bearer_key
from sandbox.protocols.fields import check
from sandbox.protocols.json_protocol import download, log_rejection, mount_url
from sandbox.protocols.output_files import LINK_SECONDS, Links
from sandbox.protocols.request_body import Body, read_body, read_limited
from sandbox.protocols.tiyaro.models import Submission, SubmitQuery, UploadQuery, build_spec
from sandbox.protocols.tiyaro.uploads import Uploads

STATUSES = {
    JobStatus.QUEUED: "pending",
    JobStatus.IN_PROGRESS: "processing",
    JobStatus.COMPLETED: "success",
    JobStatus.FAILED: "failed",
}


def view_job(job: Job, poll_url: str, output_url: str) -> dict[str, object]:
    inner = {
        "id": job.id,
        "model": job.spec.model,
        "status": UNKNOWN_STATUS if "unknown-status" in job.directives else STATUSES[job.status],
        "acceptedAt": _timestamp(job.created_at),
        "startedAt": _timestamp(job.started_at),
        "completedAt": _timestamp(job.ended_at),
        "result": _result(job, output_url) if job.status is JobStatus.COMPLETED else None,
        "error": job.failure and {"code": job.failure.code, "message": job.failure.message},
        "urls": {"GET": poll_url},
    }
    return {**inner, "response": inner}


def _result(job: Job, output_url: str) -> dict[str, object]:
    if job.spec.modality != "transcription":
        return {"outputs": [{"url": output_url}]}
    transcript: dict[str, object] = json.loads(job.output.read_text())
    return transcript


def _timestamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Tiyaro:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._uploads = Uploads(sandbox.folder)
        self._links = Links()

    async def create_upload_url(self, request: Request) -> Response:
        query = check(UploadQuery, Body(dict(request.query_params), typed=False))
        put = {"PUT": self._uploads.create_url(f"{mount_url(request)}/uploads", query.extension)}
        wrapped = {"uploadUrl": put, "uplaodUrl": put}
        return JSONResponse({"uploadUrl": put, "response": wrapped}, 201)

    async def put(self, request: Request) -> Response:
        name, query = request.path_params["name"], request.query_params
        expires, signature = query.get("expires", ""), query.get("signature", "")
        if not self._uploads.is_valid(name, expires, signature):
            text = "This URL has expired or was not issued by upload-url."
            raise ApiError(403, text, code="expired_link")
        self._uploads.store(name, await read_limited(request))
        return Response()

    async def submit(self, request: Request) -> Response:
        check(SubmitQuery, Body(dict(request.query_params), typed=False))
        body = await read_body(request)
        model, key = request.path_params["model"], request.headers.get("idempotency-key")
        with log_rejection(self._sandbox, body, key):
            spec = build_spec(self._sandbox, self._uploads, model, check(Submission, body))
        return self._view(self._sandbox.submit(spec, key), request, 202)

    async def retrieve(self, request: Request) -> Response:
        return self._view(self._sandbox.poll(request.path_params["id"]), request, 200)

    async def output(self, request: Request) -> Response:
        return download(self._sandbox, request, self._links.resolve(request.path_params["token"]))

    def _view(self, job: Job, request: Request, status: int) -> Response:
        url = mount_url(request)
        token = self._links.create(job.id, LINK_SECONDS)
        poll_url, output_url = f"{url}/v1/async/requests/{job.id}", f"{url}/outputs/{token}.mp4"
        return JSONResponse(view_job(job, poll_url, output_url), status)


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    api = Tiyaro(sandbox)
    authenticated = Starlette(
        routes=[
            Route("/input/upload-url", api.create_upload_url, methods=["POST"]),
            Route("/async/requests/{id}", api.retrieve),
            Route("/async/{model:path}", api.submit, methods=["POST"]),
        ],
        middleware=[bearer_key(api_key)],
        exception_handlers=HANDLERS,
    )
    return Starlette(
        routes=[
            Mount("/v1", authenticated),
            Route("/uploads/{name}", api.put, methods=["PUT"]),
            Route("/outputs/{token}.mp4", api.output),
        ],
        exception_handlers=HANDLERS,
    )
