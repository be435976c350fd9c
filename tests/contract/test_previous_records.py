"""Rows, handles, events and keys that released versions wrote, read by the present code."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from local.packaging import ROOT
from rushes.api.auth import Authenticator
from rushes.aws.dynamodb.lookup_tables import KeyTable, TimingTable
from rushes.catalog.provider_config import ProviderEntry
from rushes.ports import ApiKey, HttpCall, Timing
from rushes.providers import adapter
from rushes.providers.base import Cancels, Provider
from tests.contract.test_transcripts import shown
from tests.examples import catalog_with_examples
from tests.fakes import FakeKeys
from tests.fixtures.releases.finished_jobs import (
    JOBS,
    OVER,
    RELEASES,
    harness_of,
    job_of,
    named,
    read,
)
from tests.fixtures.releases.record import record
from tests.harness import ACCOUNT

NEW_NAMES = {
    "candidates": "fallbacks",
    "kind": "modality",
    "late_artifacts": "archived_artifacts",
    "late_until": "track_until",
    "troubled_since": "failing_since",
    "unsure_since": "submission_unconfirmed_since",
    "verdict": "outcome",
}
"""Fields that 0.1.0 stored under another name."""


@pytest.mark.parametrize("path", JOBS, ids=named)
def test_a_row_is_read_and_nothing_of_it_is_lost(path: Path):
    document = read(path)["row"]["document"]
    job = job_of(read(path))
    renamed = {NEW_NAMES.get(name, name): value for name, value in document.items()}
    assert json.loads(job.model_dump_json()).items() >= renamed.items()


@pytest.mark.parametrize("path", OVER, ids=named)
def test_an_event_of_then_keeps_to_the_schema_of_now(path: Path):
    """It may still be on its way, in a queue or a dead letter."""
    emitted = ROOT / "events/emitted"
    schemas = [read(emitted / f"{it['type']}.v1.schema.json") for it in read(path)["events"]]
    for schema, event in zip(schemas, read(path)["events"], strict=True):
        wanted = {**schema, "required": [it for it in schema["required"] if it in event]}
        Draft202012Validator(wanted, format_checker=FormatChecker()).validate(event)


@pytest.mark.parametrize("release", RELEASES, ids=lambda it: it.name)
def test_no_schema_of_a_release_is_gone(release: Path):
    present = {path.name for path in (ROOT / "events/emitted").glob("*.schema.json")}
    assert {path.name for path in release.glob("*.schema.json")} <= present


@pytest.mark.parametrize("release", RELEASES, ids=lambda it: it.name)
def test_a_running_generation_is_asked_after_as_it_was(release: Path):
    """Its handle was written by then's adapter and is read by today's."""
    for told in read(release / "operations.json"):
        name = told["provider"]
        entry = (
            catalog_with_examples().providers[name]
            if name
            else ProviderEntry(protocol=told["kind"])
        )
        assert shown(call_of(adapter(entry), told)) == told["call"]


def call_of(provider: Provider, told: dict[str, Any]) -> HttpCall:
    if told["step"] == "poll":
        return provider.poll(told["operation"])
    assert isinstance(provider, Cancels)
    return provider.cancel(told["operation"])


class OneRow:
    """In the place of the client, with one row for every question."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def get_item(self, **_: object) -> dict[str, Any]:
        return {"Item": self.row}


@pytest.mark.parametrize("release", RELEASES, ids=lambda it: it.name)
def test_an_api_key_still_opens_and_a_timing_still_teaches(release: Path):
    others = read(release / "others.json")
    key_row, timing_row = others["rows"]
    client: Any = OneRow(key_row)
    record = KeyTable(client, "jobs").get(others["key"].split("_")[1])
    assert isinstance(record, ApiKey)
    keys = FakeKeys()
    keys.add(record)
    assert Authenticator(keys).account(others["key"]) == ACCOUNT
    client.row = timing_row
    assert TimingTable(client, "jobs").get("any") == Timing(1, -2.3025850929940455, 0.0)


@pytest.mark.parametrize("path", JOBS, ids=named)
def test_fields_of_a_later_version_survive_a_change(path: Path):
    """So that going back to this version loses nothing that the next one will want to know."""
    left = read(path)
    harness, job = harness_of(left), job_of(left)
    later = {**left["row"]["document"], "tomorrow": {"deep": [1, None]}, "other": "one"}
    harness.jobs.rows[job.account, job.id] = json.dumps(later)
    harness.jobs.change(job.account, job.id, lambda it: it.warned(left["now"], "seen"))
    stored = json.loads(harness.jobs.rows[job.account, job.id])
    assert stored["warnings"][-1] == "seen"
    assert (stored["tomorrow"], stored["other"]) == (later["tomorrow"], "one")


def test_the_next_release_can_be_recorded_by_the_same_cases(tmp_path: Path):
    record(tmp_path)
    for release in RELEASES:
        assert_covers(tmp_path, release)


def assert_covers(recorded: Path, release: Path) -> None:
    names = {path.relative_to(release) for path in release.rglob("*.json")}
    assert names <= {path.relative_to(recorded) for path in recorded.rglob("*.json")}
    for name in (path for path in names if path.parent.name == "jobs"):
        now, then = read(recorded / name), read(release / name)
        assert (name, now["state"]) == (name, then["state"])
        assert now["payload"].keys() == then["payload"].keys()
