"""Source of the catalog in force, and of the earlier versions that running jobs finish under."""

from dataclasses import dataclass
from typing import Protocol

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import CorruptConfig, ProviderNotConfigured, UnknownModel
from rushes.jobs.job import Job

BUILT_IN = 0
"""Number of the built-in catalog, which is in force until a configuration is published."""


@dataclass(frozen=True)
class CatalogVersion:
    number: int
    catalog: Catalog


class CatalogSource(Protocol):
    def current(self) -> CatalogVersion:
        """Return the version in force, which new jobs record."""
        ...

    def for_job(self, job: Job) -> Catalog:
        """Return the catalog that the job was accepted under."""
        ...


def find_provider(catalogs: CatalogSource, job: Job) -> ProviderEntry:
    """Return the job's provider in the job's catalog.

    Raises
    ------
    ProviderNotConfigured
        If the provider has left the catalog since the job was accepted.
    """
    entry = catalogs.for_job(job).providers.get(job.provider)
    if entry is None:
        raise ProviderNotConfigured(f"provider {job.provider!r} is no longer in the catalog")
    return entry


def find_model(catalogs: CatalogSource, job: Job, name: str | None = None) -> ModelEntry | None:
    """Return a model of the job's catalog, by default the one that serves the job.

    None if the catalog has no such model: the job is of an older release, or its version has been
    deleted. Also None if this release cannot read the model, which another one published.
    """
    try:
        return catalogs.for_job(job).find(name or job.made_by)
    except (CorruptConfig, UnknownModel):
        return None
