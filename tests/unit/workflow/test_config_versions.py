"""A job finishes under the version of the configuration that accepted it."""

from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from rushes.catalog.models import Catalog, read_catalog
from rushes.catalog.published_config import PublishedConfig, parse_catalog
from rushes.catalog.source import CatalogVersion
from rushes.jobs.job import Job
from rushes.workflow.task import TO_SUBMIT
from tests.fakes import FixedCatalogs
from tests.harness import (
    CATALOG,
    CATALOG_TEXT,
    CONTENT,
    CREATE,
    MP4_BYTES,
    POLL_CALL,
    Harness,
    reply,
    video,
)

DEARER = read_catalog(CATALOG_TEXT.replace("price_per_second = 0.1", "price_per_second = 9.0"))
WITHOUT = read_catalog("""
    default_model = "other/one"
    [providers.other]
    protocol = "openai_compatible"
    [[models]]
    name = "other/one"
    """)


OTHER_MODEL = read_catalog(CATALOG_TEXT.replace("sandbox/one", "sandbox/other"))


class VersionedCatalogs(FixedCatalogs):
    """Source whose last version is in force."""

    def __init__(self, *versions: Catalog) -> None:
        super().__init__(versions[-1], len(versions))
        self._versions = versions

    @override
    def for_job(self, job: Job) -> Catalog:
        assert job.config_version is not None
        return self._versions[job.config_version - 1]


@dataclass
class VersionedHarness(Harness):
    """`versions`: of the configuration, the last of which is in force for the workflow."""

    versions: list[Catalog] = field(default_factory=lambda: [CATALOG])

    @property
    @override
    def catalogs(self) -> VersionedCatalogs:
        return VersionedCatalogs(*self.versions)


@pytest.fixture
def harness() -> VersionedHarness:
    return VersionedHarness()


def publish(harness: VersionedHarness, catalog: Catalog) -> None:
    harness.versions.append(catalog)
    assert harness.catalogs.current() == CatalogVersion(len(harness.versions), catalog)


def test_job_records_the_version_that_accepted_it(harness: VersionedHarness) -> None:
    assert harness.accepted().config_version == 1


def test_job_of_a_dropped_provider_is_submitted_and_completes(harness: VersionedHarness) -> None:
    job = harness.accepted()
    publish(harness, WITHOUT)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    harness.answer(POLL_CALL, video("completed"))
    assert harness.poll(job)["status"] == "succeeded"
    assert harness.now(job).cost == job.cost


def test_failover_uses_the_models_and_prices_of_the_jobs_version(
    harness: VersionedHarness,
) -> None:
    job = harness.accepted(model="sure")
    publish(harness, WITHOUT)
    harness.answer(CREATE, reply(400, error={"message": "no"}))
    assert harness.submit(job) == TO_SUBMIT
    assert harness.now(job).model == "spare/one"


def without_valid_models() -> Catalog:
    """The same version as a release reads it that validates models in another way."""
    config = PublishedConfig(version=1, published_at=1.0, source="", catalog=CATALOG)
    content = config.model_dump_json(exclude_unset=True)
    return parse_catalog(content.replace('"seconds":[4', '"seconds":[0').encode(), 1)


def test_running_job_completes_though_its_model_has_become_invalid(
    harness: VersionedHarness,
) -> None:
    job = harness.running(video("queued"), video("completed"), model="sure")
    harness.versions[0] = without_valid_models()
    harness.http_client.files[CONTENT] = MP4_BYTES
    harness.clock.advance(100)  # longer than `queue_seconds`
    assert harness.poll(job)["status"] == "pending"
    assert harness.poll(job)["status"] == "succeeded"
    harness.collect(job)
    harness.finish(job)
    assert harness.now(job).status.value == "completed"


def test_running_job_fails_by_name_though_its_fallback_has_become_invalid(
    harness: VersionedHarness,
) -> None:
    job = harness.running(video("failed", error={"message": "no"}), model="sure")
    harness.versions[0] = without_valid_models()
    harness.poll(job)
    assert harness.error_code(job) == "upstream_failed"


@pytest.mark.parametrize("lost", [without_valid_models(), OTHER_MODEL])
def test_job_is_not_sent_with_guessed_arguments(harness: VersionedHarness, lost: Catalog) -> None:
    """Its model has become invalid, or its version is lost and the one in force has no such."""
    job = harness.accepted()
    harness.versions[0] = lost
    harness.submit(job)
    assert harness.creates() == []
    assert harness.error(job).code == "provider_not_configured"
    assert "model 'sandbox/one' cannot be read" in harness.error(job).message


def test_price_of_an_accepted_job_does_not_change(harness: VersionedHarness) -> None:
    job = harness.accepted()
    publish(harness, DEARER)
    harness.answer(CREATE, video("queued"))
    harness.submit(job)
    assert harness.now(job).cost == job.cost == pytest.approx(0.4)


@pytest.mark.parametrize("status", [401, 403])
def test_rejected_key_is_read_again(harness: VersionedHarness, status: int) -> None:
    job = harness.accepted()
    harness.answer(CREATE, reply(status))
    harness.submit(job)
    assert harness.upstreams.rejected == [job.id]


@pytest.mark.parametrize("status", [400, 429, 500])
def test_other_answers_do_not_make_the_key_be_read_again(
    harness: VersionedHarness, status: int
) -> None:
    job = harness.accepted()
    harness.answer(CREATE, reply(status))
    harness.submit(job)
    assert harness.upstreams.rejected == []
