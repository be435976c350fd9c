"""HTTP API of jobs: authenticate, read the request in its dialect, run the verb, write a response.

The verbs are plain functions; `HANDLERS` maps the verbs of the routes to them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from aws_lambda_powertools import Logger

from rushes.api.auth import Authenticator, Identity
from rushes.api.file_response import file_response, fits, head_response, on_host
from rushes.api.job_service import JobService
from rushes.api.log_events import UNEXPECTED_ERROR
from rushes.api.permissions import require_scope, scope_of
from rushes.api.request_log import RequestLog
from rushes.api.unknown_url import redacted
from rushes.dialects.base import (
    Dialect,
    HttpRequest,
    HttpResponse,
    JobView,
    PageView,
    SupportsCancel,
    SupportsModel,
    SupportsModels,
    SupportsStream,
    SupportsUpload,
    SupportsVideos,
    Verb,
)
from rushes.dialects.labels import with_header_labels
from rushes.dialects.model_list import ListedModel, model_view, select_models
from rushes.dialects.query import check_query
from rushes.dialects.response_headers import (
    cancel_status_headers,
    cost_headers,
    retry_headers,
    warning_headers,
)
from rushes.errors import (
    AlreadyFinished,
    InvalidRequest,
    NotFound,
    RushesError,
    ServerError,
    UnsupportedOperation,
)
from rushes.jobs.content import file_name
from rushes.jobs.idempotency import read_idempotency
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest

logger = Logger(service="rushes", child=True)
D = TypeVar("D", bound=Dialect)
CREATE_VERBS = frozenset({"create", "edit", "remix"})


@dataclass(frozen=True)
class JobsApi:
    """`base_url` is the gateway's own URL in responses, regardless of the client's Host header."""

    service: JobService
    authenticator: Authenticator
    base_url: str
    download_url: str = ""
    """Base URL of another host for the bucket's presigned URLs; empty for none."""

    def answer(self, dialect: Dialect, verb: Verb, request: HttpRequest) -> HttpResponse:
        """Handle a request; errors become responses in the dialect's envelope."""
        dialect = dialect.for_request(request)
        log = RequestLog(request)
        try:
            log.identity = self.authenticator.identify(request, dialect.read_key)
            require_scope(log.identity.scopes, scope_of(verb))
            call = Call(dialect, verb, log, request, self.service, self.base_url, self.download_url)
            check_query(request, dialect.query_names.get(verb, ()))
            response = HANDLERS[verb](call)
        except RushesError as error:
            response = _error_response(dialect, error, log)
        except Exception:
            logger.exception(UNEXPECTED_ERROR, **log.ids(), dialect=dialect.name, verb=verb)
            response = dialect.write_error(ServerError("internal server error"))
        limits = self._limit_headers(verb, log.identity)
        response = replace(response, headers={**limits, **response.headers})
        log.completed(response, dialect.name, verb)
        return redacted(response)

    def _limit_headers(self, verb: Verb, identity: Identity | None) -> Mapping[str, str]:
        """Return the headers of a create call's response that report the rates of its caller."""
        if identity is None or verb not in CREATE_VERBS:
            return {}
        return self.service.create_job.rate_headers(identity.account, identity.limits_id)


@dataclass(frozen=True)
class Call(Generic[D]):
    """An authenticated request."""

    dialect: D
    verb: Verb
    log: RequestLog
    request: HttpRequest
    service: JobService
    base_url: str
    download_url: str = ""

    @property
    def account(self) -> str:
        return self.log.identity.account if self.log.identity else ""

    def job(self, raw_reference: str | None = None) -> Job:
        """Return the job of a reference such as `job_1:provider`, by default the one in the URL."""
        raw = self.request.variables["job_id"] if raw_reference is None else raw_reference
        reference = self.dialect.read_reference(raw)
        job = self.service.get(self.account, reference.job_id)
        if reference.provider and reference.provider not in job.providers:
            self.validate_provider(reference.provider, "video_id")
            raise NotFound(f"job {job.id} not found", param="video_id")
        return job

    def validate_provider(self, name: str, param: str) -> None:
        providers = self.service.catalogs.current().catalog.providers
        if name not in providers:
            raise InvalidRequest(
                f"{param}: unknown provider {name[:80]} (known: {', '.join(providers)})",
                param=param,
            )

    def create(self, create_request: CreateRequest) -> HttpResponse:
        labels = with_header_labels(create_request.labels, self.request.headers)
        create_request = replace(create_request, labels=labels)
        info = read_idempotency(f"{self.dialect.name} {self.verb}", self.request.headers)
        if self.log.identity:
            info = self.log.identity.of_call(info, self.request.request_id)
        created = self.service.create(self.account, self.dialect.name, create_request, info)
        self.log.job_id = created.job.id
        replayed = {"idempotent-replayed": "true"} if created.replayed else {}
        return _with_headers(self.show(created.job), replayed)

    def view(self, job: Job) -> JobView:
        return JobView(
            job=job.for_clients,
            link=lambda artifact: self.service.link(job, artifact),
            read=lambda artifact: self.service.blobs.read(artifact.key),
            base_url=self.base_url,
        )

    def show(self, job: Job) -> HttpResponse:
        view = self.view(job)
        headers = {
            **cancel_status_headers(job),
            **warning_headers(job.warnings),
            **cost_headers(job),
        }
        return _with_headers(self.dialect.write_job(view, self.verb), headers)


def _create(call: Call[Dialect]) -> HttpResponse:
    catalog = call.service.catalogs.current().catalog
    create_request = call.dialect.read_create_for(call.request, catalog)
    return call.create(replace(create_request, modalities=call.dialect.modalities))


def _edit(call: Call[SupportsVideos]) -> HttpResponse:
    create_request = call.dialect.read_edit(call.request)
    if create_request.source_id is not None:
        source = call.job(create_request.source_id)
        create_request = replace(create_request, source_id=source.id)
    return call.create(create_request)


def _remix(call: Call[SupportsVideos]) -> HttpResponse:
    create_request, source = call.dialect.read_remix(call.request), call.job()
    return call.create(replace(create_request, source_id=source.id))


def _retrieve(call: Call[Dialect]) -> HttpResponse:
    return call.show(call.job())


def _result(call: Call[Dialect]) -> HttpResponse:
    job = call.job()
    call.service.ensure_not_expired(job)
    return call.show(job)


def _stream(call: Call[SupportsStream]) -> HttpResponse:
    view = call.view(call.service.wait_until_finished(call.job()))
    return call.dialect.write_stream(view, call.request)


def _list(call: Call[SupportsVideos]) -> HttpResponse:
    query = call.dialect.read_list(call.request)
    if query.provider:
        call.validate_provider(query.provider, "provider")
    page = call.service.list(call.account, query)
    return call.dialect.write_page(PageView(page, query.provider))


def _delete(call: Call[SupportsVideos]) -> HttpResponse:
    job = call.job()
    deleted = call.service.delete(call.account, job.id)
    return _with_headers(call.dialect.write_deleted(job), cancel_status_headers(deleted))


def _content(call: Call[SupportsVideos]) -> HttpResponse:
    """Redirect to S3, or return the file if it is small: a Lambda response has at most 6 MB."""
    query = call.dialect.read_content_query(call.request)
    job, method = call.job(), call.request.method
    file = call.service.file(job, query.variant)
    requested = call.request.headers.get("range", "")
    may_be_direct = method == "HEAD" or fits(file, requested)
    is_direct = query.redirect is False or (query.redirect is None and may_be_direct)
    if not is_direct:
        link = call.service.link(job, file, method)
        if query.redirect is None and call.download_url:
            link = on_host(link, call.download_url)
        return HttpResponse(302, headers={"location": link, "cache-control": "no-store"})
    if method == "HEAD":
        return head_response(file, file_name(job, file))
    return file_response(file, file_name(job, file), requested, call.service.blobs.read_range)


def _cancel(call: Call[SupportsCancel]) -> HttpResponse:
    job = call.job()
    accepted = call.dialect.may_cancel(job) and not job.has_outcome
    if accepted:
        try:
            job = call.service.wait_until_final(call.service.cancel(call.account, job.id))
            accepted = job.is_cancelled or not job.has_outcome  # else it finished before the cancel
        except AlreadyFinished:
            accepted = False
    response = call.dialect.write_cancelled(job, accepted=accepted)
    return _with_headers(response, cancel_status_headers(job))


def _upload(call: Call[SupportsUpload]) -> HttpResponse:
    request = call.dialect.read_upload(call.request)
    return call.dialect.write_upload(call.service.upload_url(call.account, request))


def _models(call: Call[SupportsModels]) -> HttpResponse:
    query = call.dialect.read_model_query(call.request)
    if query.provider:
        call.validate_provider(query.provider, "provider")
    return call.dialect.write_models(select_models(call.service.catalogs.current().catalog, query))


def _model(call: Call[SupportsModel]) -> HttpResponse:
    name = call.dialect.read_model_name(call.request)
    view = model_view(call.service.catalogs.current().catalog, name)
    return call.dialect.write_model(ListedModel(view, view.details()))


def _unsupported(call: Call[Dialect]) -> HttpResponse:
    raise UnsupportedOperation(f"{call.request.method} {call.request.path} is not supported")


def _error_response(dialect: Dialect, error: RushesError, log: RequestLog) -> HttpResponse:
    error = log.public(error)
    return _with_headers(dialect.write_error(error), retry_headers(error))


def _with_headers(response: HttpResponse, headers: Mapping[str, str]) -> HttpResponse:
    return replace(response, headers={**response.headers, **headers})


HANDLERS: dict[Verb, Callable[[Call[Any]], HttpResponse]] = {
    "create": _create,
    "edit": _edit,
    "remix": _remix,
    "retrieve": _retrieve,
    "status": _retrieve,
    "stream": _stream,
    "result": _result,
    "list": _list,
    "delete": _delete,
    "content": _content,
    "cancel": _cancel,
    "upload": _upload,
    "models": _models,
    "model": _model,
    "unsupported": _unsupported,
}
