"""Jobs of the native API: create, estimate, retrieve, wait, cancel, retry, delete."""

from typing import Annotated

from pydantic import BaseModel, Field

from rushes.api.native.create_request import read_create_request
from rushes.api.native.job_views import serialize_estimate, serialize_job
from rushes.api.native.resource import (
    PREFIX,
    Call,
    EmptyBody,
    EmptyQuery,
    Route,
    json_response,
)
from rushes.api.native.schemas.job import DeletedJob, PriceEstimate
from rushes.api.native.schemas.job import Job as ShownJob
from rushes.api.native.schemas.new_job import JobParameters, NewJob
from rushes.api.native.services import NativeServices
from rushes.dialects.base import HttpResponse, JobView
from rushes.dialects.job_reference import JOB_ID
from rushes.dialects.response_headers import cancel_status_headers, warning_headers
from rushes.errors import NotFound
from rushes.jobs.idempotency import IdempotencyInfo, read_idempotency
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.ports.api_keys import Scope

API = "native"
"""Name of the API in jobs that it created."""
MAX_WAIT = 20
"""Seconds; API Gateway ends a request after 30."""


class WaitQuery(BaseModel):
    """How long the response may wait for the job's end."""

    wait: Annotated[
        int, Field(ge=0, le=MAX_WAIT, description="Seconds to wait until the job has ended.")
    ] = 0


def create(services: NativeServices, call: Call[NewJob, EmptyQuery]) -> HttpResponse:
    request = _create_request(services, call)
    if call.body.dry_run:
        return json_response(_estimate(services, call, request))
    created = services.jobs.create(call.account, API, request, _idempotency(call, f"{API} create"))
    return _created(services, call, created.job, replayed=created.replayed)


def estimate(services: NativeServices, call: Call[JobParameters, EmptyQuery]) -> PriceEstimate:
    return _estimate(services, call, _create_request(services, call))


def retrieve(services: NativeServices, call: Call[EmptyBody, WaitQuery]) -> HttpResponse:
    job = _find(services, call)
    if call.query.wait:
        job = services.jobs.wait_until_finished(job, call.query.wait)
    return _shown(services, job)


def cancel(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> HttpResponse:
    job = _find(services, call)
    job = services.jobs.wait_until_final(services.jobs.cancel(call.account, job.id))
    return _shown(services, job)


def retry(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> HttpResponse:
    job = _find(services, call)
    info = _idempotency(call, f"{API} retry {job.id}")
    created = services.jobs.retry(call.account, job.id, info)
    return _created(services, call, created.job, replayed=created.replayed)


def delete(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> HttpResponse:
    job = services.jobs.delete(call.account, _find(services, call).id)
    return json_response(DeletedJob(id=job.id), headers=cancel_status_headers(job))


def _create_request(
    services: NativeServices, call: Call[JobParameters, EmptyQuery]
) -> CreateRequest:
    catalog, blobs = services.jobs.catalogs.current().catalog, services.jobs.blobs
    return read_create_request(call.body, call.request.headers, call.account, blobs, catalog)


def _estimate(
    services: NativeServices, call: Call[JobParameters, EmptyQuery], request: CreateRequest
) -> PriceEstimate:
    info = call.identity.of_call(IdempotencyInfo(""), "")
    found = services.jobs.create_job.estimate(call.account, API, request, info)
    return serialize_estimate(found, request.request.model)


def _idempotency(call: Call[BaseModel, BaseModel], operation: str) -> IdempotencyInfo:
    info = read_idempotency(operation, call.request.headers)
    return call.identity.of_call(info, call.request.request_id)


def _find(services: NativeServices, call: Call[BaseModel, BaseModel]) -> Job:
    """Return the job in the URL, or raise the same NotFound for any other id."""
    job_id = call.variables["job_id"]
    if not JOB_ID.fullmatch(job_id):
        raise NotFound(f"job {job_id[:80]} not found", param="job_id")
    return services.jobs.get(call.account, job_id)


def _created(
    services: NativeServices, call: Call[BaseModel, BaseModel], job: Job, *, replayed: bool
) -> HttpResponse:
    call.log.job_id = job.id
    headers = {"location": f"{PREFIX}/jobs/{job.id}"}
    if replayed:
        headers["idempotent-replayed"] = "true"
    return _shown(services, job, status=201, headers=headers)


def _shown(
    services: NativeServices, job: Job, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    blobs = services.jobs.blobs
    view = JobView(
        job=job.for_clients,
        link=lambda file: services.jobs.link(job, file),
        read=lambda file: blobs.read(file.key),
        base_url="",
    )
    own = {**cancel_status_headers(job), **warning_headers(job.warnings)}
    return json_response(serialize_job(view), status, {**own, **(headers or {})})


ONE = "/jobs/<job_id>"
ROUTES = (
    Route(
        "POST", "/jobs", Scope.SUBMIT, create, "jobs.create", "Create a job, or only price it",
        ShownJob, body=NewJob, status=201, is_idempotent=True, creates_job=True,
        also={200: PriceEstimate},
    ),
    Route(
        "POST", "/estimate", Scope.SUBMIT, estimate, "jobs.estimate",
        "Validate and price a request, without a job", PriceEstimate, body=JobParameters,
    ),
    Route(
        "GET", ONE, Scope.READ, retrieve, "jobs.retrieve",
        "Retrieve a job, or wait for its end", ShownJob, query=WaitQuery,
    ),
    Route("POST", f"{ONE}/cancel", Scope.SUBMIT, cancel, "jobs.cancel", "Cancel a job", ShownJob),
    Route(
        "POST", f"{ONE}/retry", Scope.SUBMIT, retry, "jobs.retry",
        "Create a job with the request of a failed or cancelled one",
        ShownJob, status=201, is_idempotent=True, creates_job=True,
    ),
    Route(
        "DELETE", ONE, Scope.SUBMIT, delete, "jobs.delete",
        "Delete a job and its files; cancels a running one", DeletedJob,
    ),
)  # fmt: skip
