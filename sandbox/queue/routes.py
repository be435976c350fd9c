"""What both queues have: submit, status, result and cancel, each in its own words."""

from abc import ABC, abstractmethod

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.arguments import Arguments, brief_of
from sandbox.errors import UnknownJobError
from sandbox.forms import BodyError, read_body
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.outputs import home_of
from sandbox.queue.formats import HANDLERS, KeyCheck


class Queue(ABC):
    models: dict[str, type[Arguments]]
    key_scheme: str

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @abstractmethod
    def app_of(self, model: str) -> str:
        """What stands for a model in the addresses of its requests."""

    @abstractmethod
    def view_accepted(self, job: Job, addresses: dict[str, str], request: Request) -> Response: ...
    @abstractmethod
    def view_status(self, job: Job, address: str) -> Response: ...
    @abstractmethod
    def view_result(self, job: Job, request: Request) -> Response: ...
    @abstractmethod
    def stop(self, job: Job) -> Response: ...

    async def submit(self, request: Request) -> Response:
        model = request.path_params["model"]
        body = await read_body(request)
        if not body.typed:
            raise BodyError("Content-Type must be application/json.")
        if model not in self.models:
            raise UnknownJobError(model)
        wish = self.models[model].model_validate(body.fields, strict=True)
        job = self.sandbox.submit(await brief_of(self.sandbox, model, wish), None)
        address = f"{home_of(request)}/{self.app_of(model)}/requests/{job.id}"
        addresses = {
            "response_url": address,
            "status_url": f"{address}/status",
            "cancel_url": f"{address}/cancel",
        }
        return self.view_accepted(job, addresses, request)

    async def status(self, request: Request) -> Response:
        job = self.sandbox.poll(self._named(request).id)
        return self.view_status(job, str(request.url).removesuffix("/status"))

    async def result(self, request: Request) -> Response:
        return self.view_result(self._named(request), request)

    async def cancel(self, request: Request) -> Response:
        return self.stop(self._named(request))

    def _named(self, request: Request) -> Job:
        """The job, which is to be found only under its own app."""
        job = self.sandbox.find(request.path_params["id"])
        if self.app_of(job.brief.model) != request.path_params["app"]:
            raise UnknownJobError(job.id)
        return job

    def place_in_queue(self, job: Job) -> int:
        waiting = (it for it in self.sandbox.jobs.values() if it.status is JobStatus.QUEUED)
        return sum(it.created_at < job.created_at for it in waiting)


def create_app(queue: Queue, api_key: str) -> Starlette:
    one = "/{app:path}/requests/{id}"
    return Starlette(
        routes=[
            Route(f"{one}/status", queue.status),
            Route(f"{one}/cancel", queue.cancel, methods=["PUT"]),
            Route(one, queue.result),
            Route("/{model:path}", queue.submit, methods=["POST"]),
        ],
        middleware=[Middleware(KeyCheck, expected=f"{queue.key_scheme} {api_key}")],
        exception_handlers=HANDLERS,
    )
