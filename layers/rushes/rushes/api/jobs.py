"""From a client's call to its answer: read in the dialect, do the verb, write in the dialect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from rushes.api.auth import Authenticator
from rushes.api.job_service import Service
from rushes.dialects import dialect_of
from rushes.dialects.base import (
    Cancels,
    Dialect,
    HttpRequest,
    HttpResponse,
    JobView,
    PageView,
    Uploads,
    Verb,
    Videos,
)
from rushes.errors import (
    AlreadyFinished,
    BudgetExceeded,
    InvalidRequest,
    NotFound,
    RushesError,
    ServerError,
    UnsupportedOperation,
)
from rushes.jobs.idempotency import read_idempotency
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Endpoints:
    """`base_url` is what addresses of ours begin with, whatever host a client named."""

    service: Service
    authenticator: Authenticator
    base_url: str

    def answer(self, dialect: Dialect, verb: Verb, request: HttpRequest) -> HttpResponse:
        """The answer, whatever happens: errors come in the dialect's envelope."""
        dialect = dialect.speaker(request)
        try:
            account = self.authenticator.account(dialect.read_key(request.headers))
            response = VERBS[verb](self, dialect, account, request)
        except RushesError as error:
            response = self._refuse(dialect, error)
        except Exception:
            logger.exception("unexpected", dialect=dialect.name, verb=verb)
            response = dialect.write_error(ServerError("something went wrong on our side"))
        logger.info(
            "answered",
            dialect=dialect.name,
            verb=verb,
            status=response.status,
            job_id=request.variables.get("job_id"),
        )
        return response

    def nowhere(self, request: HttpRequest) -> HttpResponse:
        """The answer to a call that no dialect has a route for."""
        error = NotFound(
            f"there is nothing at {request.method} {request.path[:200]}", code="unknown_url"
        )
        return dialect_of(request.path).write_error(error)

    def _refuse(self, dialect: Dialect, error: RushesError) -> HttpResponse:
        if error.http_status >= 500:
            logger.error("not answered", reason=error.message)
            error = type(error)(error.said)
        response = dialect.write_error(error)
        if isinstance(error, BudgetExceeded):  # SDKs would try again at once, and get no answer
            response = _with(response, {"x-should-retry": "false"})
        if error.retry_after is None:
            return response
        return _with(response, {"retry-after": str(error.retry_after)})

    def _create(self, dialect: Dialect, account: str, request: HttpRequest) -> HttpResponse:
        creation = dialect.read_create(request)
        self._check_kind(dialect, creation.request.model)
        return self._accept(dialect, account, request, creation, "create")

    def _edit(self, dialect: Videos, account: str, request: HttpRequest) -> HttpResponse:
        creation = dialect.read_edit(request)
        if creation.source_id is not None:
            source = self._find(dialect, account, creation.source_id)
            creation = replace(creation, source_id=source.id)
        return self._accept(dialect, account, request, creation, "edit")

    def _remix(self, dialect: Videos, account: str, request: HttpRequest) -> HttpResponse:
        prompt = dialect.read_remix(request)
        source = self._find(dialect, account, request.variables["job_id"])
        creation = CreateRequest(GenerationRequest(model="", prompt=prompt), source_id=source.id)
        return self._accept(dialect, account, request, creation, "remix")

    def _accept(
        self,
        dialect: Dialect,
        account: str,
        request: HttpRequest,
        creation: CreateRequest,
        verb: Verb,
    ) -> HttpResponse:
        """The job of this call: a new one, or the one that the same call has made before."""
        operation = f"{dialect.name} {verb}"
        call = read_idempotency(operation, request.headers)
        accepted = self.service.create(account, dialect.name, creation, call)
        response = self._show(dialect, accepted.job, verb)
        return _with(response, {"idempotent-replayed": "true"}) if accepted.replayed else response

    def _retrieve(self, dialect: Dialect, account: str, request: HttpRequest) -> HttpResponse:
        job = self._find(dialect, account, request.variables["job_id"])
        return self._show(dialect, job, "retrieve")

    def _status(self, dialect: Dialect, account: str, request: HttpRequest) -> HttpResponse:
        job = self._find(dialect, account, request.variables["job_id"])
        return self._show(dialect, job, "status")

    def _result(self, dialect: Dialect, account: str, request: HttpRequest) -> HttpResponse:
        job = self._find(dialect, account, request.variables["job_id"])
        self.service.ensure_not_expired(job)
        return self._show(dialect, job, "result")

    def _list(self, dialect: Videos, account: str, request: HttpRequest) -> HttpResponse:
        query = dialect.read_list(request)
        if query.provider:
            self._check_provider(query.provider, "provider")
        return dialect.write_page(PageView(self.service.list(account, query), query.provider))

    def _delete(self, dialect: Videos, account: str, request: HttpRequest) -> HttpResponse:
        job = self._find(dialect, account, request.variables["job_id"])
        deleted = self.service.delete(account, job.id)
        return _with(dialect.write_deleted(job), _truth(deleted))

    def _content(self, dialect: Videos, account: str, request: HttpRequest) -> HttpResponse:
        """A redirect to S3: the bytes would not fit through a function."""
        variant = dialect.read_variant(request)
        job = self._find(dialect, account, request.variables["job_id"])
        link = self.service.content(account, job.id, variant)
        return HttpResponse(302, headers={"location": link, "cache-control": "no-store"})

    def _cancel(self, dialect: Cancels, account: str, request: HttpRequest) -> HttpResponse:
        job = self._find(dialect, account, request.variables["job_id"])
        accepted = dialect.may_cancel(job) and not job.has_outcome
        if accepted:
            try:
                job = self.service.settled(self.service.cancel(account, job.id))
            except AlreadyFinished:
                accepted = False
        if accepted and job.has_outcome and not job.is_cancelled:  # its end was faster
            accepted = False
        return _with(dialect.write_cancelled(job, accepted=accepted), _truth(job))

    def _upload(self, dialect: Uploads, account: str, request: HttpRequest) -> HttpResponse:
        address = self.service.upload_address(account, dialect.read_upload(request))
        return dialect.write_upload(address)

    def _unsupported(self, _dialect: Dialect, _account: str, request: HttpRequest) -> HttpResponse:
        """A route that the dialect has and we have nothing behind."""
        raise UnsupportedOperation(f"{request.method} {request.path} is not supported")

    def _show(self, dialect: Dialect, job: Job, verb: Verb) -> HttpResponse:
        view = JobView(
            job=job,
            link=lambda artifact: self.service.link(job, artifact),
            read=lambda artifact: self.service.blobs.read(artifact.key),
            base_url=self.base_url,
        )
        return _with(dialect.write_job(view, verb), _truth(job))

    def _find(self, dialect: Dialect, account: str, written: str) -> Job:
        reference = dialect.read_reference(written)
        job = self.service.get(account, reference.job_id)
        if reference.provider and reference.provider not in job.providers:
            self._check_provider(reference.provider, "video_id")
            raise NotFound(f"there is no job {job.id}", param="video_id")
        return job

    def _check_kind(self, dialect: Dialect, model: str) -> None:
        catalog = self.service.catalog
        modality = catalog.find(model or catalog.default_model).modality
        if modality not in dialect.modalities:
            raise InvalidRequest(
                f"{model[:80]} is for {modality}, which this API has no words for", param="model"
            )

    def _check_provider(self, name: str, param: str) -> None:
        if name not in self.service.catalog.providers:
            raise InvalidRequest(f"there is no provider {name[:80]}", param=param)


def _with(response: HttpResponse, headers: Mapping[str, str]) -> HttpResponse:
    return replace(response, headers={**response.headers, **headers})


def _truth(job: Job) -> dict[str, str]:
    """What became of a cancelled job at its provider, as far as that is known by now."""
    if known := job.upstream_cancelled:
        return {"rushes-upstream-cancelled": known.value}
    asked_for = job.cancel_requested_at and not job.has_outcome
    return {"rushes-upstream-cancelled": "pending"} if asked_for else {}


VERBS: dict[Verb, Callable[[Endpoints, Any, str, HttpRequest], HttpResponse]] = {
    "create": Endpoints._create,  # noqa: SLF001 - the table belongs to the class
    "edit": Endpoints._edit,  # noqa: SLF001
    "remix": Endpoints._remix,  # noqa: SLF001
    "retrieve": Endpoints._retrieve,  # noqa: SLF001
    "list": Endpoints._list,  # noqa: SLF001
    "delete": Endpoints._delete,  # noqa: SLF001
    "content": Endpoints._content,  # noqa: SLF001
    "status": Endpoints._status,  # noqa: SLF001
    "result": Endpoints._result,  # noqa: SLF001
    "cancel": Endpoints._cancel,  # noqa: SLF001
    "upload": Endpoints._upload,  # noqa: SLF001
    "unsupported": Endpoints._unsupported,  # noqa: SLF001
}
