"""A job in responses of the native API."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from rushes.api.native.schemas.shared import Closed
from rushes.jobs.status import JobStatus

Dollars = Annotated[float, Field(description="US dollars.")]


class Cost(Closed):
    """US dollars. The estimate is from the catalog's prices."""

    estimated: Dollars | None
    settled: Annotated[float | None, Field(description="Charged at the end; null until then.")]
    refunded: Annotated[
        float | None, Field(description="Estimated and not charged; null until the end.")
    ]
    currency: Literal["USD"] = "USD"


class Timeline(Closed):
    """When each step of the job happened; null if it has not.

    After a failover the steps are those of the current model.
    """

    accepted_at: datetime
    submitted_at: Annotated[datetime | None, Field(description="The provider accepted the job.")]
    started_at: Annotated[datetime | None, Field(description="The provider began.")]
    expected_at: Annotated[
        datetime | None, Field(description="The provider's estimate of the end.")
    ]
    generated_at: Annotated[datetime | None, Field(description="The provider returned the result.")]
    stored_at: Annotated[datetime | None, Field(description="All files were stored.")]
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    content_expires_at: Annotated[
        datetime | None, Field(description="The files are deleted after this time.")
    ]


class Failure(Closed):
    """Why a job or an attempt failed."""

    code: Annotated[str, Field(description="Stable name of the error.")]
    message: str
    upstream_code: Annotated[str | None, Field(description="The provider's own code.")]


class Attempt(Closed):
    """A model that was tried. The last one is current, or made the result."""

    number: int
    model: str
    provider: str
    provider_job_id: Annotated[str | None, Field(description="The provider's id of the job.")]
    started_at: datetime
    ended_at: datetime | None
    error: Failure | None
    estimated: Annotated[float | None, Field(description="US dollars.")]


class Waiting(Closed):
    """Why an open job makes no progress now, and what can be done."""

    code: Annotated[str, Field(description="Stable name of the reason.")]
    message: str
    action: Annotated[str, Field(description="What you, or the operator, can do.")]
    since: datetime
    until: Annotated[
        datetime | None,
        Field(description="When the job is tried again, or fails; null: an operator decides."),
    ]
    queue_position: Annotated[int | None, Field(description="Jobs before it at the provider.")]
    needs_operator: bool


class JobFile(Closed):
    """A file that the job made. `url` is a link that needs no key and is valid for an hour."""

    url: str
    content_type: str
    size: Annotated[int, Field(description="Bytes.")]
    sha256: str
    width: Annotated[int | None, Field(description="Pixels; null if the file does not say it.")]
    height: int | None
    duration: Annotated[float | None, Field(description="Seconds.")]


class InputFile(Closed):
    """An input file of the job."""

    role: str
    content_type: str | None
    size: int | None
    frame: int | None


class Parameters(Closed):
    """The request, with the defaults of the model that was chosen first."""

    prompt: str
    seconds: int | None
    size: str | None
    resolution: str | None
    aspect_ratio: str | None
    seed: int | None
    negative_prompt: str | None
    generate_audio: bool | None
    inputs: list[InputFile]
    provider_options: dict[str, Any]
    arguments: dict[str, Any]


class Cancel(Closed):
    """A cancel request, and its effect at the provider."""

    requested_at: datetime | None
    upstream: Annotated[
        Literal["pending", "yes", "no", "unsupported"],
        Field(description="Whether the provider stopped. `pending`: it is not known yet."),
    ]


class JobListEntry(Closed):
    """A job in a list."""

    id: str
    status: JobStatus
    modality: str
    model: Annotated[str, Field(description="As requested: a model or an alias.")]
    made_by: Annotated[str, Field(description="The model that made it, or is to make it.")]
    provider: str
    key_id: Annotated[str | None, Field(description="The API key that created it.")]
    prompt: Annotated[str, Field(description="The first 200 characters.")]
    tags: dict[str, str]
    user: str | None
    created_at: datetime
    finished_at: datetime | None
    cost: Cost


class Job(Closed):
    """A job: its request, its state and its result."""

    id: str
    status: JobStatus
    progress: Annotated[int, Field(description="Percent, approximate.")]
    modality: str
    model: Annotated[str, Field(description="As requested: a model or an alias.")]
    made_by: Annotated[str, Field(description="The model that made it, or is to make it.")]
    provider: str
    upstream_model: Annotated[str, Field(description="The provider's name of the model.")]
    provider_job_id: str | None
    fallbacks: Annotated[list[str], Field(description="Models that are tried next, in order.")]
    parameters: Parameters
    timeline: Timeline
    attempts: list[Attempt]
    waiting: Waiting | None
    cancel: Cancel | None
    cost: Cost
    warnings: list[str]
    artifacts: list[JobFile]
    document: Annotated[
        dict[str, Any] | None, Field(description="A JSON result, such as a transcript.")
    ]
    error: Failure | None
    tags: dict[str, str]
    metadata: dict[str, str]
    user: str | None
    key_id: str | None
    api: Annotated[str, Field(description="The API that created it.")]
    remixed_from: str | None
    request_id: Annotated[str | None, Field(description="Of the create call.")]


class DeletedJob(Closed):
    id: str
    deleted: Literal[True] = True


class EstimateCandidate(Closed):
    """A model that would be tried, with the values it would get."""

    model: str
    provider: str
    seconds: int | None
    size: str | None
    resolution: str | None
    aspect_ratio: str | None
    provider_options: dict[str, Any]
    arguments: dict[str, Any]
    estimated: Dollars
    warnings: list[str]


class PriceEstimate(Closed):
    """The price and the values of a request; nothing was stored or charged."""

    dry_run: Literal[True] = True
    model: Annotated[str, Field(description="As requested: a model or an alias.")]
    resolved_model: str
    provider: str
    upstream_model: str
    modality: str
    estimated: Annotated[float, Field(description="US dollars that the job would cost.")]
    reserved: Annotated[
        float, Field(description="US dollars of the dearest model, reserved with a budget.")
    ]
    currency: Literal["USD"] = "USD"
    price_known: Annotated[bool, Field(description="False if the catalog has no price.")]
    candidates: Annotated[list[EstimateCandidate], Field(description="In the order of failover.")]
    warnings: list[str]
