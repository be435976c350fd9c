"""Functions read published configurations; none that cannot be read replaces the one in force."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from rushes.aws.config_store import MAX_BYTES, POINTER_KEY, ConfigStore
from rushes.aws.published_catalogs import MAX_CACHED, REFRESH_SECONDS, PublishedCatalogs
from rushes.catalog.models import read_catalog
from rushes.catalog.published_config import ConfigPointer, PublishedConfig, digest
from rushes.errors import AwsUnavailable, WriteConflict
from rushes.jobs.job import Job
from tests.config_source import SESSION, SOURCE
from tests.fakes import FakeClock
from tests.unit.jobs.plain_job import plain_job

BUILT_IN = read_catalog(SOURCE.format("built-in"))


@dataclass
class Deployment:
    """A bucket in this process. `error` is raised by the next calls; `gets` are the keys read."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(1000.0))
    error: Exception | None = None
    gets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3: Any = SESSION.client("s3")
        self.s3.create_bucket(Bucket="media")
        self.store = ConfigStore(lambda: self.s3, "media")
        self.s3.meta.events.register("before-call.s3", self._before_call)

    def _before_call(self, model: Any, params: Any, **_: object) -> None:
        if model.name == "GetObject":
            self.gets.append(params["url_path"].removeprefix("/media/").lstrip("/"))
        if self.error:
            raise self.error

    def publish(self, name: str) -> int:
        """Publish a catalog whose only model has that name."""
        stored = self.store.pointer()
        number = stored.pointer.version + 1 if stored else 1
        source = SOURCE.format(name)
        pointer = self.store.add(
            PublishedConfig(
                version=number, published_at=1.0, source=source, catalog=read_catalog(source)
            )
        )
        self.store.move_pointer(pointer, stored.etag if stored else None)
        return number

    def write(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket="media", Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket="media", Key=key)

    def cold(self) -> PublishedCatalogs:
        """The source of a new process."""
        return PublishedCatalogs(self.store, self.clock, lambda: BUILT_IN)

    def pass_interval(self) -> None:
        self.clock.advance(REFRESH_SECONDS)


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment()


def model(source: PublishedCatalogs) -> str:
    return source.current().catalog.default_model.removeprefix("sandbox/")


def job_of(number: int | None) -> Job:
    return plain_job(config_version=number)


def version_key(number: int) -> str:
    return f"config/versions/{number}.json"


def corrupted(deployment: Deployment, key: str) -> None:
    deployment.write(key, b'{"version": ')


def reported(capsys: pytest.CaptureFixture[str]) -> int:
    """Return the number of metrics since the last call."""
    lines = capsys.readouterr().out.splitlines()
    return sum("ConfigNotReadable" in json.loads(line) for line in lines if "_aws" in line)


def test_built_in_catalog_is_in_force_until_a_configuration_is_published(deployment: Deployment):
    source = deployment.cold()
    assert (source.current().number, model(source)) == (0, "built-in")
    deployment.publish("first")
    deployment.pass_interval()
    assert (source.current().number, model(source)) == (1, "first")


def test_new_version_is_taken_up_after_the_interval_and_not_before(deployment: Deployment):
    deployment.publish("first")
    source = deployment.cold()
    assert model(source) == "first"
    deployment.publish("second")
    deployment.clock.advance(REFRESH_SECONDS - 1)
    assert model(source) == "first"
    deployment.clock.advance(1)
    assert model(source) == "second"


def test_unchanged_version_is_not_read_again(deployment: Deployment):
    deployment.publish("first")
    source = deployment.cold()
    source.current()
    for _ in range(3):
        deployment.pass_interval()
        source.current()
        source.current()
    assert deployment.gets.count(version_key(1)) == 1
    assert deployment.gets.count(POINTER_KEY) == 4 + 1  # and once by `publish`


def test_nothing_is_read_before_the_first_use(deployment: Deployment):
    deployment.cold()
    assert deployment.gets == []


def unreadable_version(deployment: Deployment) -> None:
    corrupted(deployment, version_key(deployment.publish("second")))


def changed_version(deployment: Deployment) -> None:
    """Valid JSON that the pointer was not made for."""
    number = deployment.publish("second")
    content = deployment.s3.get_object(Bucket="media", Key=version_key(number))["Body"].read()
    deployment.write(version_key(number), content.replace(b"[4,8]", b"[4,9]"))


def invalid_catalog(deployment: Deployment) -> None:
    number = deployment.publish("second")
    content = b'{"version": 2, "published_at": 1, "source": "", "catalog": {}}'
    deployment.write(version_key(number), content)
    point_to(deployment, number, content)


def another_number(deployment: Deployment) -> None:
    number = deployment.publish("second")
    content = deployment.s3.get_object(Bucket="media", Key=version_key(1))["Body"].read()
    deployment.write(version_key(number), content)
    point_to(deployment, number, content)


def point_to(deployment: Deployment, number: int, content: bytes) -> None:
    pointer = ConfigPointer(version=number, sha256=digest(content), published_at=1.0)
    deployment.write(POINTER_KEY, pointer.model_dump_json().encode())


def missing_version(deployment: Deployment) -> None:
    deployment.delete(version_key(deployment.publish("second")))


def huge_version(deployment: Deployment) -> None:
    deployment.write(version_key(deployment.publish("second")), bytes(MAX_BYTES + 1))


def unreadable_pointer(deployment: Deployment) -> None:
    corrupted(deployment, POINTER_KEY)


def missing_pointer(deployment: Deployment) -> None:
    deployment.delete(POINTER_KEY)


DAMAGES: list[Callable[[Deployment], None]] = [
    unreadable_version,
    changed_version,
    invalid_catalog,
    another_number,
    missing_version,
    huge_version,
    unreadable_pointer,
    missing_pointer,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_last_good_version_stays_in_force(
    deployment: Deployment, damage: Callable[[Deployment], None], capsys: Any
):
    deployment.publish("first")
    source = deployment.cold()
    assert model(source) == "first"
    damage(deployment)
    assert reported(capsys) == 0
    deployment.pass_interval()
    assert (model(source), reported(capsys)) == ("first", 1)
    assert (model(source), reported(capsys)) == ("first", 0)
    deployment.pass_interval()
    assert (model(source), reported(capsys)) == ("first", 1)


@pytest.mark.parametrize("damage", DAMAGES)
def test_cold_start_uses_the_newest_readable_version(
    deployment: Deployment, damage: Callable[[Deployment], None], capsys: Any
):
    deployment.publish("first")
    damage(deployment)
    source = deployment.cold()
    assert (source.current().number, model(source)) == (1, "first")
    assert reported(capsys) == 1


def test_repaired_version_is_taken_up(deployment: Deployment):
    deployment.publish("first")
    unreadable_version(deployment)
    source = deployment.cold()
    assert model(source) == "first"
    deployment.publish("third")
    deployment.pass_interval()
    assert (source.current().number, model(source)) == (3, "third")


def test_cold_start_passes_over_several_corrupt_versions(deployment: Deployment):
    for name in ("first", "second", "third"):
        deployment.publish(name)
    for number in (2, 3):
        corrupted(deployment, version_key(number))
    assert deployment.cold().current().number == 1


def test_cold_start_does_not_use_a_version_that_was_never_in_force(deployment: Deployment):
    deployment.publish("first")
    deployment.publish("second")
    source = SOURCE.format("abandoned")
    abandoned = PublishedConfig(
        version=3, published_at=1.0, source=source, catalog=read_catalog(source)
    )
    deployment.store.add(abandoned)
    corrupted(deployment, version_key(2))
    assert model(deployment.cold()) == "first"


def test_built_in_catalog_does_not_replace_a_lost_configuration(deployment: Deployment):
    corrupted(deployment, version_key(deployment.publish("first")))
    with pytest.raises(AwsUnavailable, match="no published configuration can be read"):
        deployment.cold().current()


UNREACHABLE = EndpointConnectionError(endpoint_url="https://s3.example")
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")


@pytest.mark.parametrize("error", [UNREACHABLE, DENIED])
def test_version_in_force_outlives_an_outage_of_s3(
    deployment: Deployment, error: Exception, capsys: Any
):
    deployment.publish("first")
    source = deployment.cold()
    source.current()
    deployment.publish("second")
    deployment.error = error
    deployment.pass_interval()
    assert (model(source), reported(capsys)) == ("first", 1)
    deployment.error = None
    deployment.pass_interval()
    assert (model(source), reported(capsys)) == ("second", 0)


def test_cold_start_in_an_outage_fails_and_the_next_call_tries_again(deployment: Deployment):
    deployment.publish("first")
    deployment.error = UNREACHABLE
    source = deployment.cold()
    with pytest.raises(AwsUnavailable):
        source.current()
    deployment.error = None
    assert model(source) == "first"


def test_job_finishes_under_its_version(deployment: Deployment):
    deployment.publish("first")
    deployment.publish("second")
    source = deployment.cold()
    assert source.for_job(job_of(1)).default_model == "sandbox/first"
    assert source.for_job(job_of(2)).default_model == "sandbox/second"
    assert source.for_job(job_of(0)).default_model == "sandbox/built-in"


def test_job_of_an_older_release_has_the_version_in_force(deployment: Deployment):
    deployment.publish("first")
    assert deployment.cold().for_job(job_of(None)).default_model == "sandbox/first"


def test_version_of_a_job_is_read_once_per_process(deployment: Deployment):
    deployment.publish("first")
    source = deployment.cold()
    deployment.gets.clear()
    for _ in range(3):
        source.for_job(job_of(1))
        deployment.pass_interval()
    assert deployment.gets == [version_key(1)]


def test_memory_has_a_bounded_number_of_versions(deployment: Deployment):
    numbers = [deployment.publish(f"v{number}") for number in range(MAX_CACHED + 2)]
    source = deployment.cold()
    for number in numbers:
        source.for_job(job_of(number))
    assert len(source._earlier) == MAX_CACHED


@pytest.mark.parametrize("damage", [corrupted, Deployment.delete])
def test_job_of_a_lost_version_continues_under_the_one_in_force(
    deployment: Deployment, damage: Callable[[Deployment, str], None]
):
    deployment.publish("first")
    deployment.publish("second")
    damage(deployment, version_key(1))
    source = deployment.cold()
    assert source.for_job(job_of(1)).default_model == "sandbox/second"
    deployment.error = UNREACHABLE  # between a create call and the write of its result
    assert source.for_job(job_of(1)).default_model == "sandbox/second"


def test_job_waits_if_its_version_cannot_be_read_now(deployment: Deployment):
    deployment.publish("first")
    source = deployment.cold()
    deployment.error = UNREACHABLE
    with pytest.raises(AwsUnavailable):
        source.for_job(job_of(1))
    deployment.error = None
    assert source.for_job(job_of(1)).default_model == "sandbox/first"


def test_version_is_never_overwritten(deployment: Deployment):
    deployment.publish("first")
    source = SOURCE.format("other")
    again = PublishedConfig(
        version=1, published_at=2.0, source=source, catalog=read_catalog(source)
    )
    with pytest.raises(WriteConflict, match=r"versions/1\.json"):
        deployment.store.add(again)
    assert model(deployment.cold()) == "first"


@pytest.mark.parametrize("etag", [None, '"0123456789abcdef0123456789abcdef"'])
def test_pointer_is_not_moved_by_a_publication_that_read_an_older_one(
    deployment: Deployment, etag: str | None
):
    deployment.publish("first")
    pointer = ConfigPointer(version=9, sha256="", published_at=1.0)
    with pytest.raises(WriteConflict, match=r"current\.json"):
        deployment.store.move_pointer(pointer, etag)


def test_published_document_reads_back_as_the_same_catalog(deployment: Deployment):
    deployment.publish("first")
    assert deployment.store.read(1).catalog == read_catalog(SOURCE.format("first"))
    assert deployment.store.read(1).source == SOURCE.format("first")
