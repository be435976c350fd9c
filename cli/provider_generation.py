"""A billed test of a provider: its cheapest model makes one result, past the gateway's jobs.

No job is stored, so that a provider can be tested while it is paused.
"""

import io
import secrets
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass

from cli.errors import NO, CommandError
from cli.provider_check import find_upstream, http_client
from cli.target import Target
from rushes.aws.dynamodb.provider_calls import ProviderCallTable
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog
from rushes.catalog.source import CatalogVersion
from rushes.errors import InvalidRequest
from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.request import GenerationRequest
from rushes.ports.http import Upstream
from rushes.providers import adapter
from rushes.providers.base import Failed, Pending
from rushes.workflow.call_counts import CallCounter
from rushes.workflow.provider_client import ProviderClient

PROMPT = "a red ball on a white table"
POLL_SECONDS = 5.0
MAX_SECONDS = 900.0


@dataclass(frozen=True)
class Choice:
    """`price` in US dollars, None if it is unknown."""

    model: ModelEntry
    request: GenerationRequest
    price: float | None


@dataclass(frozen=True)
class OneCatalog:
    """The catalog of all jobs."""

    catalog: Catalog

    def current(self) -> CatalogVersion:
        return CatalogVersion(0, self.catalog)

    def for_job(self, job: Job) -> Catalog:  # noqa: ARG002 - the same for each job
        return self.catalog


@dataclass(frozen=True)
class OneUpstream:
    upstream: Upstream

    def find(self, job: Job) -> Upstream:  # noqa: ARG002 - the same for each job
        return self.upstream

    def key_rejected(self, job: Job) -> None:
        """Read no other key: the reply is the result of the test."""


def cheapest(catalog: Catalog, provider: str) -> Choice:
    """Return the provider's cheapest model that needs a prompt only; an unknown price comes last.

    Raises
    ------
    CommandError
    """
    choices = [choice for model in catalog.models if (choice := _choice(model, provider))]
    if not choices:
        raise CommandError(f"{provider} has no model that needs a prompt only", NO)
    return min(choices, key=lambda choice: (choice.price is None, choice.price or 0.0))


def _choice(model: ModelEntry, provider: str) -> Choice | None:
    if model.provider != provider:
        return None
    request = GenerationRequest(model=model.name, prompt=PROMPT)
    try:
        model.validate_inputs({})
        filled = model.validate_and_fill(request)
    except InvalidRequest:
        return None
    return Choice(model, filled, None if model.price_unknown else model.price(filled))


def generate_once(
    target: Target, catalog: Catalog, choice: Choice, report: Callable[[str], None]
) -> str | None:
    """Make one result and return None, or the error of the provider as a text.

    Raises
    ------
    UpstreamError
        If the provider does not accept the create call, or a poll fails.
    """
    name, client = choice.model.provider, http_client(target)
    upstream = OneUpstream(find_upstream(target, client, catalog, name))
    calls = ProviderCallTable(target.client("dynamodb"), target.table)
    counter = CallCounter(calls, time.time)
    providers = ProviderClient(upstream, client, OneCatalog(catalog), adapter, counter)
    job = _job(choice)
    with redirect_stdout(io.StringIO()):  # metrics of functions are lines on standard output
        submitted = providers.create(job, providers.prepare_create(job))
        providers.count_create(job)
        report(f"{name} accepted the create call")
        return _wait(providers, job.submitted(time.time(), submitted.operation, ()))


def _wait(providers: ProviderClient, job: Job) -> str | None:
    end = time.monotonic() + MAX_SECONDS
    while isinstance(result := providers.poll(job), Pending):
        if time.monotonic() > end:
            return f"no result within {MAX_SECONDS:.0f} seconds"
        time.sleep(POLL_SECONDS)
    return f"{result.error.code}: {result.error.message}" if isinstance(result, Failed) else None


def _job(choice: Choice) -> Job:
    now = time.time()
    return Job(
        id=new_id(now, secrets.token_hex(10)),
        account="operator",
        request=choice.request,
        dialect="native",
        modality=choice.model.modality,
        provider=choice.model.provider,
        upstream_model=choice.model.model_at_provider,
        model=choice.model.name,
        created_at=now,
        updated_at=now,
        deadline_at=now + MAX_SECONDS,
    )
