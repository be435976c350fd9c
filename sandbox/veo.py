"""Veo as the Gemini API and as Vertex AI offer it: long-running operations, spoken strictly."""

import base64
from typing import Annotated, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import protocol
from sandbox.content import content_response
from sandbox.errors import UnknownJobError
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.openai_videos.fields import Fields, check
from sandbox.render_spec import Brief

FOUR_K = 2160
CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND"}
CODES |= {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
INTERNAL = 13
REASON = "The video was withheld because it breaks the usage guidelines. Support codes: 29310472"


class Picture(Fields):
    bytesBase64Encoded: str  # noqa: N815 - Google's names
    mimeType: Literal["image/png", "image/jpeg", "image/webp"]  # noqa: N815

    @property
    def url(self) -> str:
        return f"data:{self.mimeType};base64,{self.bytesBase64Encoded}"


class Reference(Fields):
    image: Picture
    referenceType: Literal["asset", "style"]  # noqa: N815


class Instance(Fields):
    """The last frame is taken, and changes nothing here."""

    prompt: Annotated[str, Field(min_length=1, max_length=32_000)]
    image: Picture | None = None
    lastFrame: Picture | None = None  # noqa: N815
    referenceImages: Annotated[tuple[Reference, ...], Field(max_length=3)] = ()  # noqa: N815


class Parameters(Fields):
    sampleCount: Literal[1] = 1  # noqa: N815
    aspectRatio: Literal["16:9", "9:16"] = "16:9"  # noqa: N815
    resolution: Annotated[str, Field(pattern=r"^([1-9]\d{1,3}p|4k)$")] = "720p"
    durationSeconds: Annotated[int, Field(ge=1, le=60)] = 8  # noqa: N815
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    negativePrompt: Annotated[str, Field(max_length=32_000)] | None = None  # noqa: N815
    generateAudio: bool = False  # noqa: N815
    personGeneration: Literal["allow_all", "allow_adult", "dont_allow"] = "allow_adult"  # noqa: N815


class Predict(Fields):
    instances: Annotated[list[Instance], Field(min_length=1, max_length=1)]
    parameters: Parameters = Parameters()


class FetchOperation(Fields):
    operationName: str  # noqa: N815


class Veo:
    """`home` is what an operation's name begins with, up to the model."""

    def __init__(self, sandbox: Sandbox, home: str) -> None:
        self._sandbox = sandbox
        self._home = home

    async def predict(self, request: Request) -> Response:
        model = request.path_params["model"]

        async def brief_of(wish: Predict) -> Brief:
            return await _brief(self._sandbox, model, wish)

        job = await protocol.submit(self._sandbox, request, Predict, brief_of)
        return JSONResponse({"name": self._name(job)})

    def operation(self, job: Job, films: dict[str, object]) -> Response:
        """How it stands; `films` is what a finished one has."""
        view: dict[str, object] = {"name": self._name(job)}
        if "unknown-status" in job.directives:
            view["done"] = True
        elif job.failure and job.failure.code != "content_filter":
            view |= {"done": True, "error": {"code": INTERNAL, "message": job.failure.message}}
        elif job.status in (JobStatus.COMPLETED, JobStatus.FAILED):
            view |= {"done": True, "response": films}
        return JSONResponse(view)

    def _name(self, job: Job) -> str:
        return f"{self._home}models/{job.brief.model}/operations/{job.id}"


class Gemini(Veo):
    async def poll(self, request: Request) -> Response:
        job = self._sandbox.poll(request.path_params["id"])
        films: dict[str, object] = {
            "generatedSamples": [{"video": {"uri": _address(request, job)}}],
        }
        return self.operation(job, {"generateVideoResponse": _withheld() if job.failure else films})

    async def download(self, request: Request) -> Response:
        return protocol.film(self._sandbox, request, request.path_params["id"])


class Vertex(Veo):
    async def poll(self, request: Request) -> Response:
        body = check(FetchOperation, await protocol.read_json(request))
        prefix, _, job_id = body.operationName.rpartition("/operations/")
        if prefix != f"{self._home}models/{request.path_params['model']}":
            raise UnknownJobError(body.operationName)
        job = self._sandbox.poll(job_id)
        if job.status is not JobStatus.COMPLETED:
            return self.operation(job, _withheld())
        content = await _bytes_of(content_response(job, None))
        film = {"bytesBase64Encoded": base64.b64encode(content).decode(), "mimeType": "video/mp4"}
        if "gcs" in job.directives:
            film = {"gcsUri": f"gs://films/{job.id}.mp4", "mimeType": "video/mp4"}
        self._sandbox.request_log.downloads[job.id] += 1
        return self.operation(job, {"raiMediaFilteredCount": 0, "videos": [film]})


async def _brief(sandbox: Sandbox, model: str, wish: Predict) -> Brief:
    instance, wanted = wish.instances[0], wish.parameters
    short = FOUR_K if wanted.resolution == "4k" else int(wanted.resolution[:-1])
    width, height = protocol.sides(short, wanted.aspectRatio)
    brief = Brief(
        prompt=instance.prompt,
        model=model,
        width=width,
        height=height,
        seconds=wanted.durationSeconds,
        seed=wanted.seed,
        negative_prompt=wanted.negativePrompt,
    )
    pictures = [instance.image, *(reference.image for reference in instance.referenceImages)]
    first = next((picture for picture in pictures if picture), None)
    return await protocol.with_picture(sandbox, brief, first.url if first else None)


async def _bytes_of(response: Response) -> bytes:
    body = getattr(response, "body_iterator", None)
    return bytes(response.body) if body is None else b"".join([chunk async for chunk in body])


def _withheld() -> dict[str, object]:
    return {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [REASON]}


def _address(request: Request, job: Job) -> str:
    return protocol.address(request, f"/files/{job.id}:download?alt=media")


def say(status: int, code: str, message: str) -> Response:  # noqa: ARG001 - Google has its own
    error = {"code": status, "message": message, "status": CODES.get(status, "UNKNOWN")}
    headers = {"retry-after": "1"} if status == 429 else None
    return JSONResponse({"error": error}, status, headers)


def create_gemini(sandbox: Sandbox, api_key: str) -> Starlette:
    calls = Gemini(sandbox, "")
    return Starlette(
        routes=[
            Route("/models/{model}:predictLongRunning", calls.predict, methods=["POST"]),
            Route("/models/{model}/operations/{id}", calls.poll),
            Route("/files/{id}:download", calls.download),
        ],
        middleware=[Middleware(protocol.Key, header="x-goog-api-key", value=api_key, say=say)],
        exception_handlers=protocol.handlers(say),
    )


def create_vertex(sandbox: Sandbox, api_key: str) -> Starlette:
    calls = Vertex(sandbox, "projects/sandbox/locations/here/publishers/google/")
    return Starlette(
        routes=[
            Route("/models/{model}:predictLongRunning", calls.predict, methods=["POST"]),
            Route("/models/{model}:fetchPredictOperation", calls.poll, methods=["POST"]),
        ],
        middleware=[protocol.bearer_key(api_key, say)],
        exception_handlers=protocol.handlers(say),
    )
