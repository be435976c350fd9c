"""The calls, and the addresses that need no key: to put files to and to get them from."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.content import content_response
from sandbox.errors import SandboxError
from sandbox.forms import MOST_BODY_BYTES, Body, BodyError, read_body
from sandbox.job import Job
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import HANDLERS, ApiError, BearerKey
from sandbox.openai_videos.fields import check
from sandbox.openai_videos.views import refused_create
from sandbox.tiyaro.fields import Submission, SubmitQuery, UploadQuery
from sandbox.tiyaro.render_specs import brief_of
from sandbox.tiyaro.uploads import Uploads
from sandbox.tiyaro.views import view_job
from sandbox.together.links import LINK_SECONDS, Links


class Tiyaro:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._uploads = Uploads(sandbox.folder)
        self._links = Links()

    async def give_address(self, request: Request) -> Response:
        query = check(UploadQuery, Body(dict(request.query_params), typed=False))
        put = {"PUT": self._uploads.address(f"{_here(request)}/uploads", query.extension)}
        wrapped = {"uploadUrl": put, "uplaodUrl": put}
        return JSONResponse({"uploadUrl": put, "response": wrapped}, 201)

    async def put(self, request: Request) -> Response:
        name, query = request.path_params["name"], request.query_params
        end, signature = query.get("expires", ""), query.get("signature", "")
        if not self._uploads.may_put(name, end, signature):
            raise ApiError(403, "This address has expired, or never was one.", code="expired_link")
        content = b""
        async for chunk in request.stream():
            content += chunk
            if len(content) > MOST_BODY_BYTES:
                raise BodyError("The file is too large.")
        self._uploads.keep(name, content)
        return Response()

    async def submit(self, request: Request) -> Response:
        check(SubmitQuery, Body(dict(request.query_params), typed=False))
        body = await read_body(request)
        model, key = request.path_params["model"], request.headers.get("idempotency-key")
        try:
            wish = check(Submission, body)
            brief = brief_of(self._sandbox, self._uploads, model, wish)
        except (ApiError, SandboxError):
            self._sandbox.request_log.creates.append(refused_create("create", body, key))
            raise
        job = self._sandbox.submit(brief, key)
        return self._show(job, request, 202)

    async def retrieve(self, request: Request) -> Response:
        return self._show(self._sandbox.poll(request.path_params["id"]), request, 200)

    async def output(self, request: Request) -> Response:
        job = self._sandbox.completed(self._links.open(request.path_params["token"]))
        self._sandbox.request_log.downloads[job.id] += 1
        return content_response(job, request.headers.get("range"))

    def _show(self, job: Job, request: Request, status: int) -> Response:
        here = _here(request)
        token = self._links.give(job.id, LINK_SECONDS)
        poll_address = f"{here}/v1/async/requests/{job.id}"
        view = view_job(job, poll_address, f"{here}/outputs/{token}.mp4")
        return JSONResponse(view, status)


def _here(request: Request) -> str:
    root = request.scope["root_path"].removesuffix("/v1")
    return f"{request.url.scheme}://{request.url.netloc}{root}"


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    calls = Tiyaro(sandbox)
    keyed = Starlette(
        routes=[
            Route("/input/upload-url", calls.give_address, methods=["POST"]),
            Route("/async/requests/{id}", calls.retrieve),
            Route("/async/{model:path}", calls.submit, methods=["POST"]),
        ],
        middleware=[Middleware(BearerKey, api_key=api_key)],
        exception_handlers=HANDLERS,
    )
    return Starlette(
        routes=[
            Mount("/v1", keyed),
            Route("/uploads/{name}", calls.put, methods=["PUT"]),
            Route("/outputs/{token}.mp4", calls.output),
        ],
        exception_handlers=HANDLERS,
    )
