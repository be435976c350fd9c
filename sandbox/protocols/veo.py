"""Google's Veo: long-running operations of the Gemini API and of Vertex AI."""

import base64
from typing import Annotated, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.content import content_response
from sandbox.errors import UnknownJobError
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols import json_protocol
from sandbox.protocols.fields import (
    Fields,
    NegativePrompt,
    Prompt,
    Seconds,
    Seed,
    check,
    check_size,
    size_from,
)
from sandbox.protocols.request_body import read_json
from sandbox.rendering.render_spec import RenderSpec

FOUR_K = 2160
CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND"}
CODES |= {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
INTERNAL = 13
REASON = "The video was withheld because it breaks the usage guidelines. Support codes: 29310472"


class InlineImage(Fields):
    bytesBase64Encoded: str  # noqa: N815 - Google's names
    mimeType: Literal["image/png", "image/jpeg", "image/webp"]  # noqa: N815

    @property
    def url(self) -> str:
        return f"data:{self.mimeType};base64,{self.bytesBase64Encoded}"


class Reference(Fields):
    image: InlineImage
    referenceType: Literal["asset", "style"]  # noqa: N815


class Instance(Fields):
    """`lastFrame` is accepted and ignored."""

    prompt: Prompt
    image: InlineImage | None = None
    lastFrame: InlineImage | None = None  # noqa: N815
    referenceImages: Annotated[tuple[Reference, ...], Field(max_length=3)] = ()  # noqa: N815


class Parameters(Fields):
    sampleCount: Literal[1] = 1  # noqa: N815
    aspectRatio: Literal["16:9", "9:16"] = "16:9"  # noqa: N815
    resolution: Annotated[str, Field(pattern=r"^([1-9]\d{1,3}p|4k)$")] = "720p"
    durationSeconds: Seconds = 8  # noqa: N815
    seed: Seed | None = None
    negativePrompt: NegativePrompt | None = None  # noqa: N815
    generateAudio: bool = False  # noqa: N815
    personGeneration: Literal["allow_all", "allow_adult", "dont_allow"] = "allow_adult"  # noqa: N815


class Predict(Fields):
    instances: Annotated[list[Instance], Field(min_length=1, max_length=1)]
    parameters: Parameters = Parameters()


class FetchOperation(Fields):
    operationName: str  # noqa: N815


class Veo:
    def __init__(self, sandbox: Sandbox, parent: str) -> None:
        """`parent` is the prefix of operation names, up to `models/`."""
        self._sandbox = sandbox
        self._parent = parent

    async def predict(self, request: Request) -> Response:
        model = request.path_params["model"]

        async def build_spec(params: Predict) -> RenderSpec:
            return await _build_spec(self._sandbox, model, params)

        job = await json_protocol.submit(self._sandbox, request, Predict, build_spec)
        return JSONResponse({"name": self._name(job)})

    def operation(self, job: Job, response: dict[str, object]) -> Response:
        """Return the operation, with the response if the job has ended."""
        view: dict[str, object] = {"name": self._name(job)}
        if "unknown-status" in job.directives:
            view["done"] = True
        elif job.failure and job.failure.code != "content_filter":
            view |= {"done": True, "error": {"code": INTERNAL, "message": job.failure.message}}
        elif job.status in (JobStatus.COMPLETED, JobStatus.FAILED):
            view |= {"done": True, "response": response}
        return JSONResponse(view)

    def _name(self, job: Job) -> str:
        return f"{self._parent}models/{job.spec.model}/operations/{job.id}"


class Gemini(Veo):
    async def poll(self, request: Request) -> Response:
        job = self._sandbox.poll(request.path_params["id"])
        uri = f"{json_protocol.mount_url(request)}/files/{job.id}:download?alt=media"
        videos: dict[str, object] = {"generatedSamples": [{"video": {"uri": uri}}]}
        result = _filtered() if job.failure else videos
        return self.operation(job, {"generateVideoResponse": result})

    async def download(self, request: Request) -> Response:
        return json_protocol.download(self._sandbox, request, request.path_params["id"])


class Vertex(Veo):
    async def poll(self, request: Request) -> Response:
        body = check(FetchOperation, await read_json(request))
        prefix, _, job_id = body.operationName.rpartition("/operations/")
        if prefix != f"{self._parent}models/{request.path_params['model']}":
            raise UnknownJobError(body.operationName)
        job = self._sandbox.poll(job_id)
        if job.status is not JobStatus.COMPLETED:
            return self.operation(job, _filtered())
        content = await _read_response(content_response(job, None))
        video = {"bytesBase64Encoded": base64.b64encode(content).decode(), "mimeType": "video/mp4"}
        if "gcs" in job.directives:
            video = {"gcsUri": f"gs://videos/{job.id}.mp4", "mimeType": "video/mp4"}
        self._sandbox.request_log.downloads[job.id] += 1
        return self.operation(job, {"raiMediaFilteredCount": 0, "videos": [video]})


async def _build_spec(sandbox: Sandbox, model: str, params: Predict) -> RenderSpec:
    instance, parameters = params.instances[0], params.parameters
    short = FOUR_K if parameters.resolution == "4k" else int(parameters.resolution[:-1])
    width, height = check_size(size_from(short, parameters.aspectRatio))
    spec = RenderSpec(
        prompt=instance.prompt,
        model=model,
        width=width,
        height=height,
        seconds=parameters.durationSeconds,
        seed=parameters.seed,
        negative_prompt=parameters.negativePrompt,
    )
    images = [instance.image, *(reference.image for reference in instance.referenceImages)]
    first = next((image for image in images if image), None)
    return await json_protocol.with_image(sandbox, spec, first.url if first else None)


async def _read_response(response: Response) -> bytes:
    body = getattr(response, "body_iterator", None)
    return bytes(response.body) if body is None else b"".join([chunk async for chunk in body])


def _filtered() -> dict[str, object]:
    return {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [REASON]}


def write_error(status: int, code: str, message: str) -> Response:  # noqa: ARG001 - Google's own codes
    error = {"code": status, "message": message, "status": CODES.get(status, "UNKNOWN")}
    headers = {"retry-after": "1"} if status == 429 else None
    return JSONResponse({"error": error}, status, headers)


def create_gemini(sandbox: Sandbox, api_key: str) -> Starlette:
    api = Gemini(sandbox, "")
    return Starlette(
        routes=[
            Route("/models/{model}:predictLongRunning", api.predict, methods=["POST"]),
            Route("/models/{model}/operations/{id}", api.poll),
            Route("/files/{id}:download", api.download),
        ],
        middleware=[json_protocol.require_key(api_key, write_error, "x-goog-api-key")],
        exception_handlers=json_protocol.error_handlers(write_error),
    )


def create_vertex(sandbox: Sandbox, api_key: str) -> Starlette:
    api = Vertex(sandbox, "projects/sandbox/locations/here/publishers/google/")
    return Starlette(
        routes=[
            Route("/models/{model}:predictLongRunning", api.predict, methods=["POST"]),
            Route("/models/{model}:fetchPredictOperation", api.poll, methods=["POST"]),
        ],
        middleware=[json_protocol.require_key(f"Bearer {api_key}", write_error)],
        exception_handlers=json_protocol.error_handlers(write_error),
    )
