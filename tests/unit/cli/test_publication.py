"""Versions of the configuration: push, rollback, history, and two people at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from cli.config_errors import InvalidConfig
from cli.publication import PublicationConflict, Published, Publisher
from rushes.aws.config_store import POINTER_KEY, ConfigStore
from rushes.errors import AwsUnavailable, CorruptConfig
from tests.config_source import SESSION, SOURCE
from tests.fakes import FakeClock

ONE, TWO, THREE = map(SOURCE.format, ("one", "two", "three"))


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = SESSION.client("s3")
        client.create_bucket(Bucket="media")
        yield client


def publisher_of(s3: Any, name: str = "ann") -> Publisher:
    return Publisher(ConfigStore(lambda: s3, "media"), name, FakeClock(1000.0))


@pytest.fixture
def publisher(s3: Any) -> Publisher:
    return publisher_of(s3)


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="media").get("Contents", [])]


@dataclass
class FaultyS3:
    """S3 client whose reply to one operation on a key is lost, or that fails before it.

    boto3 repeats an operation without a reply: `repeats` says whether it gets through then.
    """

    client: Any
    operation: str
    key: str
    is_done: bool = True
    repeats: bool = False

    def __getattr__(self, name: str) -> Any:
        real: Callable[..., Any] = getattr(self.client, name)
        return self._call(real) if name == self.operation else real

    def _call(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if arguments["Key"] != self.key:
                return real(**arguments)
            if self.is_done:
                real(**arguments)
            if self.repeats:
                return real(**arguments)
            raise EndpointConnectionError(endpoint_url="https://s3.example")

        return call


PUT_VERSION, PUT_POINTER = ("put_object", "config/versions/2.json"), ("put_object", POINTER_KEY)


def test_push_publishes_a_version_that_is_in_force(publisher: Publisher):
    assert publisher.current().number == 0
    assert publisher.push(ONE) == Published(1, is_new=True)
    assert publisher.current().catalog.default_model == "sandbox/one"
    assert publisher.push(TWO) == Published(2, is_new=True)
    assert publisher.current().catalog.default_model == "sandbox/two"


def test_push_of_the_version_in_force_publishes_nothing(publisher: Publisher, s3: Any):
    publisher.push(ONE)
    before = keys(s3)
    assert publisher.push(ONE) == Published(1, is_new=False)
    assert keys(s3) == before


def test_invalid_configuration_is_not_published(publisher: Publisher, s3: Any):
    with pytest.raises(InvalidConfig) as raised:
        publisher.push(ONE.replace("seconds = [4, 8]", "seconds = 4"))
    assert [problem.line for problem in raised.value.problems] == [7]
    assert keys(s3) == []


def test_second_of_two_pushes_at_once_is_refused(s3: Any, monkeypatch: pytest.MonkeyPatch):
    """Both have read version 1 when they publish."""
    ann, bob = publisher_of(s3, "ann"), publisher_of(s3, "bob")
    ann.push(ONE)
    add = ConfigStore.add

    def add_after_bob(store: ConfigStore, config: Any) -> Any:
        monkeypatch.setattr(ConfigStore, "add", add)
        bob.push(THREE)
        return add(store, config)

    monkeypatch.setattr(ConfigStore, "add", add_after_bob)
    with pytest.raises(PublicationConflict, match="yours was not: compare with `rushes config dif"):
        ann.push(TWO)
    assert ann.current().catalog.default_model == "sandbox/three"
    assert [entry.published_by for entry in ann.history(10)] == ["bob", "ann"]
    assert ann.push(TWO) == Published(3, is_new=True)


def test_push_that_loses_at_the_pointer_leaves_no_version(s3: Any, monkeypatch: pytest.MonkeyPatch):
    ann, bob = publisher_of(s3, "ann"), publisher_of(s3, "bob")
    ann.push(ONE)
    move = ConfigStore.move_pointer

    def move_after_bob(store: ConfigStore, *arguments: Any) -> None:
        monkeypatch.setattr(ConfigStore, "move_pointer", move)
        bob.push(THREE)
        move(store, *arguments)

    monkeypatch.setattr(ConfigStore, "move_pointer", move_after_bob)
    with pytest.raises(PublicationConflict):
        ann.push(TWO)
    assert [entry.number for entry in ann.history(10)] == [3, 1]
    assert ann.current().catalog.default_model == "sandbox/three"


def test_first_push_of_two_people_at_once(s3: Any, monkeypatch: pytest.MonkeyPatch):
    ann, bob = publisher_of(s3, "ann"), publisher_of(s3, "bob")
    add = ConfigStore.add

    def add_after_bob(store: ConfigStore, config: Any) -> Any:
        monkeypatch.setattr(ConfigStore, "add", add)
        bob.push(TWO)
        return add(store, config)

    monkeypatch.setattr(ConfigStore, "add", add_after_bob)
    with pytest.raises(PublicationConflict):
        ann.push(ONE)
    assert ann.current().catalog.default_model == "sandbox/two"


@pytest.mark.parametrize("call", [PUT_VERSION, PUT_POINTER])
def test_write_that_boto3_repeats_after_a_lost_reply_is_no_conflict(s3: Any, call: tuple[str, str]):
    publisher_of(s3).push(ONE)
    faulty = FaultyS3(s3, *call, repeats=True)
    assert publisher_of(faulty, "bob").push(TWO) == Published(2, is_new=True)
    assert publisher_of(s3).current().catalog.default_model == "sandbox/two"


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize(
    "call", [("get_object", POINTER_KEY), ("get_object", "config/versions/1.json"), PUT_VERSION]
)
def test_push_that_fails_before_the_pointer_changes_nothing(
    s3: Any, call: tuple[str, str], *, is_done: bool
):
    publisher_of(s3).push(ONE)
    with pytest.raises(AwsUnavailable):
        publisher_of(FaultyS3(s3, *call, is_done=is_done)).push(TWO)
    assert publisher_of(s3).current().catalog.default_model == "sandbox/one"


@pytest.mark.parametrize(("is_done", "in_force"), [(False, "sandbox/one"), (True, "sandbox/two")])
def test_push_without_a_reply_about_the_pointer_can_be_repeated(
    s3: Any, in_force: str, *, is_done: bool
):
    publisher_of(s3).push(ONE)
    with pytest.raises(AwsUnavailable):
        publisher_of(FaultyS3(s3, *PUT_POINTER, is_done=is_done)).push(TWO)
    assert publisher_of(s3).current().catalog.default_model == in_force
    publisher_of(s3).push(TWO)
    assert publisher_of(s3).current().catalog.default_model == "sandbox/two"
    assert publisher_of(s3).rollback()[0] == 1


def test_conflict_is_reported_if_the_version_cannot_be_deleted(
    s3: Any, monkeypatch: pytest.MonkeyPatch
):
    ann = publisher_of(FaultyS3(s3, "delete_object", "config/versions/2.json", is_done=False))
    ann.push(ONE)
    move = ConfigStore.move_pointer

    def move_after_bob(store: ConfigStore, *arguments: Any) -> None:
        monkeypatch.setattr(ConfigStore, "move_pointer", move)
        publisher_of(s3, "bob").push(THREE)
        move(store, *arguments)

    monkeypatch.setattr(ConfigStore, "move_pointer", move_after_bob)
    with pytest.raises(PublicationConflict):
        ann.push(TWO)
    assert ann.current().catalog.default_model == "sandbox/three"


def test_push_after_an_interrupted_one_takes_the_next_number(publisher: Publisher, s3: Any):
    publisher.push(ONE)
    s3.put_object(Bucket="media", Key="config/versions/2.json", Body=b"{}")
    assert publisher.push(TWO) == Published(3, is_new=True)


@pytest.mark.parametrize("key", [POINTER_KEY, "config/versions/1.json"])
def test_push_repairs_a_corrupt_object(publisher: Publisher, s3: Any, key: str):
    publisher.push(ONE)
    s3.put_object(Bucket="media", Key=key, Body=b"not JSON")
    with pytest.raises(CorruptConfig):
        publisher.current()
    assert publisher.push(ONE) == Published(2, is_new=True)
    assert publisher.current().catalog.default_model == "sandbox/one"


def test_rollback_publishes_the_earlier_version_again(publisher: Publisher):
    publisher.push(ONE)
    publisher.push(TWO)
    assert publisher.rollback() == (1, Published(3, is_new=True))
    assert publisher.current().catalog.default_model == "sandbox/one"
    assert publisher.source(3) == ONE
    assert [entry.note for entry in publisher.history(10)] == ["rollback to version 1", "", ""]


def test_rollback_passes_over_a_version_that_was_never_in_force(publisher: Publisher, s3: Any):
    publisher.push(ONE)
    interrupted = publisher_of(FaultyS3(s3, *PUT_POINTER, is_done=False))
    with pytest.raises(AwsUnavailable):
        interrupted.push(TWO)
    assert publisher.push(THREE).number == 3
    assert publisher.rollback() == (1, Published(4, is_new=True))
    assert publisher.rollback() == (3, Published(5, is_new=True))


def test_rollback_from_a_corrupt_version(publisher: Publisher, s3: Any):
    publisher.push(ONE)
    publisher.push(TWO)
    s3.put_object(Bucket="media", Key="config/versions/2.json", Body=b"not JSON")
    assert publisher.rollback() == (1, Published(3, is_new=True))


def test_rollback_to_a_named_version(publisher: Publisher):
    for text in (ONE, TWO, THREE):
        publisher.push(text)
    assert publisher.rollback(1) == (1, Published(4, is_new=True))
    assert publisher.current().catalog.default_model == "sandbox/one"


@pytest.mark.parametrize(
    ("number", "message"), [(None, "no version before 1"), (7, "version 7 is missing")]
)
def test_rollback_without_such_a_version(publisher: Publisher, number: int | None, message: str):
    publisher.push(ONE)
    with pytest.raises(CorruptConfig, match=message):
        publisher.rollback(number)


def test_rollback_before_the_first_push(publisher: Publisher):
    with pytest.raises(CorruptConfig, match="no version is in force"):
        publisher.rollback()


def test_history_shows_who_when_and_what(publisher: Publisher, s3: Any):
    publisher.push(ONE, note="first")
    publisher.push(TWO)
    s3.put_object(Bucket="media", Key="config/versions/1.json", Body=b"{")
    newest, oldest = publisher.history(10)
    assert (newest.number, newest.in_force, newest.published_by) == (2, True, "ann")
    assert (newest.published_at, newest.models, newest.error) == (1000.0, 1, "")
    assert (oldest.number, oldest.in_force) == (1, False)
    assert oldest.error == "version 1 cannot be read"
    assert [entry.number for entry in publisher.history(1)] == [2]


def test_history_shows_a_version_whose_catalog_this_release_cannot_read(
    publisher: Publisher, s3: Any
):
    content = b'{"version": 1, "published_at": 5, "source": "x", "catalog": {"new": 1}}'
    s3.put_object(Bucket="media", Key="config/versions/1.json", Body=content)
    (entry,) = publisher.history(10)
    assert (entry.published_at, entry.models) == (5, None)
    assert entry.error.startswith("version 1 is invalid: catalog.")
    assert publisher.source(1) == "x"
