"""What lists, searches and reports of usage need of a job: a few short fields.

A summary is stored beside its job and lives longer. It has the beginning of the prompt only.
"""

import unicodedata
from typing import Annotated

from pydantic import Field

from rushes.jobs.cost import DECIMALS, settled
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.jobs.stored import StoredModel, or_unknown

PROMPT_CHARACTERS = 200
"""Of the prompt, in which a search finds texts."""


class JobSummary(StoredModel):
    """Amounts are US dollars, times seconds since 1970."""

    id: str
    account: str
    created_at: float
    modality: str
    model: str
    """As requested: `provider/model` or an alias."""
    provider: str
    made_by: str
    """Catalog name of the current model, or of the one that made the result."""
    key_id: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    user: str | None = None
    prompt: str = ""
    status: Annotated[JobStatus, or_unknown(JobStatus)] | None = None
    """None until the job has ended."""
    finished_at: float | None = None
    estimated: float | None = None
    """By the catalog's prices, of the model in `made_by`."""
    settled: float | None = None
    """What the job cost; None until it has ended, or if its price is unknown."""
    refunded: float | None = None
    """What was estimated and is not charged; None if `settled` is."""
    deleted: bool = False

    @property
    def cost(self) -> float:
        """The settled amount, or the estimate until the job has ended."""
        amount = self.estimated if self.settled is None else self.settled
        return amount or 0.0


def summary_of(job: Job) -> JobSummary:
    """Summarize a job in its present state. A deleted job has neither a prompt nor a user."""
    estimate = job.cost if job.estimate is None else job.estimate
    estimated = None if estimate is None else round(max(estimate, 0.0), DECIMALS)
    charged = settled(job) if job.is_finished else None
    return JobSummary(
        id=job.id,
        account=job.account,
        created_at=job.created_at,
        modality=job.modality,
        model=job.request.model,
        provider=job.provider,
        made_by=job.made_by,
        key_id=job.key_id,
        tags=job.labels.tags,
        user=None if job.deleted_at else job.labels.user or None,
        prompt="" if job.deleted_at else job.request.prompt[:PROMPT_CHARACTERS],
        status=job.status if job.is_finished else None,
        finished_at=job.finished_at,
        estimated=estimated,
        settled=charged,
        refunded=None if charged is None else _refund(estimated or 0.0, charged),
        deleted=job.deleted_at is not None,
    )


def fold(text: str) -> str:
    """Return the form in which texts are compared: without case, accents as one character."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _refund(estimated: float, charged: float) -> float:
    return round(max(estimated - charged, 0.0), DECIMALS)
