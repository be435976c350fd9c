"""Read items, operation handles, events and API keys of earlier releases."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from local.packaging import ROOT
from rushes.api.auth import Authenticator
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.durations import TimingTable
from rushes.catalog.provider_config import ProviderEntry
from rushes.jobs.job import Job
from rushes.ports.api_keys import ApiKey
from rushes.ports.http import HttpCall
from rushes.ports.providers import Timing
from rushes.providers import adapter
from rushes.providers.base import Provider, SupportsCancel
from tests.contract.test_transcripts import entry_of, serialize_call
from tests.fakes import FakeKeys
from tests.fixtures.releases.finished_jobs import (
    FINISHED,
    JOBS,
    RELEASES,
    STATES_0_1_0,
    case_id,
    harness_of,
    job_of,
    read,
)
from tests.fixtures.releases.record import record
from tests.harness import ACCOUNT

NEW_NAMES = {
    "candidates": "fallbacks",
    "collections": "collect_attempts",
    "kind": "modality",
    "late_artifacts": "archived_artifacts",
    "late_until": "track_until",
    "troubled_since": "failing_since",
    "unsure_since": "submission_unconfirmed_since",
    "verdict": "outcome",
}
"""Fields that 0.1.0 stored under another name."""


@pytest.mark.parametrize("path", JOBS, ids=case_id)
def test_job_item_is_read_without_loss(path: Path):
    document = read(path)["row"]["document"]
    job = job_of(read(path))
    renamed = {NEW_NAMES.get(name, name): value for name, value in document.items()}
    assert_contains(json.loads(job.model_dump_json()), renamed)


def assert_contains(value: Any, expected: Any) -> None:
    """Assert that every expected member is there; newer releases have further ones."""
    if isinstance(expected, dict):
        for name, member in expected.items():
            assert_contains(value[name], member)
    elif isinstance(expected, list):
        assert len(value) == len(expected)
        for member, expected_member in zip(value, expected, strict=True):
            assert_contains(member, expected_member)
    else:
        assert value == expected


def test_present_name_takes_precedence_over_name_of_0_1_0():
    document = read(JOBS[0])["row"]["document"]
    job = Job.model_validate_json(json.dumps({**document, "fallbacks": ["a/b"], "candidates": []}))
    assert job.fallbacks == ("a/b",)


@pytest.mark.parametrize("path", FINISHED, ids=case_id)
def test_old_events_match_the_present_schemas(path: Path):
    """An old event may still be in a queue or a dead-letter queue."""
    emitted = ROOT / "events/emitted"
    for event in read(path)["events"]:
        schema = read(emitted / f"{event['type']}.v1.schema.json")
        relaxed = {**schema, "required": [name for name in schema["required"] if name in event]}
        Draft202012Validator(relaxed, format_checker=FormatChecker()).validate(event)


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_every_released_schema_still_exists(release: Path):
    present = {path.name for path in (ROOT / "events/emitted").glob("*.schema.json")}
    assert {path.name for path in release.glob("*.schema.json")} <= present


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_operation_handle_builds_the_same_call(release: Path):
    """The old adapter wrote the handle; the present one reads it."""
    specs = specs_of(release)
    for recorded in read(release / "operations.json"):
        spec = specs.get(recorded["provider"])
        entry = ProviderEntry.model_validate(spec) if spec else entry_of(recorded["kind"], recorded)
        assert serialize_call(call_of(adapter(entry), recorded)) == recorded["call"]


def specs_of(release: Path) -> dict[str, Any]:
    path = release / "specs.toml"
    return tomllib.loads(path.read_text("utf-8"))["providers"] if path.exists() else {}


def call_of(provider: Provider, recorded: dict[str, Any]) -> HttpCall:
    if recorded["step"] == "poll":
        return provider.poll_request(recorded["operation"])
    assert isinstance(provider, SupportsCancel)
    call = provider.cancel_request(recorded["operation"])
    assert call is not None
    return call


class OneItemClient:
    """Replaces the DynamoDB client and returns one item for every key."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item

    def get_item(self, **_: object) -> dict[str, Any]:
        return {"Item": self.item}


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_old_api_key_and_timing_are_read(release: Path):
    others = read(release / "others.json")
    key_item, timing_item = others["rows"]
    client: Any = OneItemClient(key_item)
    record = KeyTable(client, "jobs").get(others["key"].split("_")[1])
    assert isinstance(record, ApiKey)
    keys = FakeKeys()
    keys.add(record)
    assert Authenticator(keys).authenticate(others["key"]).account == ACCOUNT
    client.item = timing_item
    assert TimingTable(client, "jobs").get("any") == Timing(1, -2.3025850929940455, 0.0)


@pytest.mark.parametrize("path", JOBS, ids=case_id)
def test_change_preserves_unknown_fields(path: Path):
    """A rollback to this version loses no data of the next one."""
    recording = read(path)
    harness, job = harness_of(recording), job_of(recording)
    later = {**recording["row"]["document"], "tomorrow": {"deep": [1, None]}, "other": "one"}
    harness.jobs.rows[job.account, job.id] = json.dumps(later)
    harness.jobs.change(job.account, job.id, lambda job: job.warned(recording["now"], "seen"))
    stored = json.loads(harness.jobs.rows[job.account, job.id])
    assert stored["warnings"][-1] == "seen"
    assert (stored["tomorrow"], stored["other"]) == (later["tomorrow"], "one")


def test_present_release_can_be_recorded_with_the_same_cases(tmp_path: Path):
    record(tmp_path)
    for release in RELEASES:
        assert_covers(tmp_path, release)


def assert_covers(recorded: Path, release: Path) -> None:
    names = {path.relative_to(release) for path in release.rglob("*.json")}
    assert names <= {path.relative_to(recorded) for path in recorded.rglob("*.json")}
    for name in (path for path in names if path.parent.name == "jobs"):
        now, then = read(recorded / name), read(release / name)
        assert (name, now["state"]) == (name, STATES_0_1_0.get(then["state"], then["state"]))
        assert now["payload"].keys() == then["payload"].keys()
