"""The calls themselves, and the outputs, which need no key."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.content import content_response
from sandbox.errors import SandboxError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.forms import Body, BodyError, read_body
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import HANDLERS, ApiError, BearerKey
from sandbox.openai_videos.fields import check
from sandbox.openai_videos.views import refused_create
from sandbox.together.fields import CreateVideo
from sandbox.together.links import LINK_SECONDS, Links
from sandbox.together.render_specs import brief_of

DOLLARS_PER_SECOND = 1


class TogetherVideos:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._links = Links()

    async def create(self, request: Request) -> Response:
        body = await _read_json(request)
        key = request.headers.get("idempotency-key")
        try:
            brief = await brief_of(self._sandbox, check(CreateVideo, body))
        except (ApiError, SandboxError):
            self._sandbox.request_log.creates.append(refused_create("create", body, key))
            raise
        job = self._sandbox.submit(brief, key)
        return JSONResponse(self._view(job, request))

    async def retrieve(self, request: Request) -> Response:
        job = self._sandbox.poll(request.path_params["id"])
        return JSONResponse(self._view(job, request))

    async def output(self, request: Request) -> Response:
        job = self._sandbox.completed(self._links.open(request.path_params["token"]))
        self._sandbox.request_log.downloads[job.id] += 1
        return content_response(job, request.headers.get("range"))

    def _view(self, job: Job, request: Request) -> dict[str, object]:
        """The published fields and statuses; what does not apply is left out."""
        status = "in_progress" if job.status is JobStatus.QUEUED else job.status.value
        view: dict[str, object] = {
            "id": job.id,
            "object": "video",
            "model": job.brief.model,
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "created_at": int(job.created_at),
            "size": job.brief.size,
            "seconds": str(job.brief.seconds),
        }
        if job.ended_at:
            view["completed_at"] = int(job.ended_at)
        if job.failure:
            view["error"] = {"code": job.failure.code, "message": job.failure.message}
        if job.status is JobStatus.COMPLETED:
            cost = DOLLARS_PER_SECOND * job.brief.seconds
            view["outputs"] = {"cost": cost, "video_url": self._address(job, request)}
        return view

    def _address(self, job: Job, request: Request) -> str:
        """A new one each time."""
        token = self._links.give(job.id, job.directives.get("expire", LINK_SECONDS))
        here = request.scope["root_path"].removesuffix("/v2")
        return f"{request.url.scheme}://{request.url.netloc}{here}/outputs/{token}.mp4"


async def _read_json(request: Request) -> Body:
    body = await read_body(request)
    if not body.typed:
        raise BodyError("Content-Type must be application/json.")
    return body


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    calls = TogetherVideos(sandbox)
    keyed = Starlette(
        routes=[
            Route("/videos", calls.create, methods=["POST"]),
            Route("/videos/{id}", calls.retrieve),
        ],
        middleware=[Middleware(BearerKey, api_key=api_key)],
        exception_handlers=HANDLERS,
    )
    return Starlette(
        routes=[Mount("/v2", keyed), Route("/outputs/{token}.mp4", calls.output)],
        exception_handlers=HANDLERS,
    )
