"""Roll back: jobs that a newer release wrote continue here, and lose none of its fields."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import JobQuery
from tests.contract.test_previous_release import prepared, run_to_the_end
from tests.fixtures.releases.finished_jobs import (
    JOBS,
    STATES_0_1_0,
    UNFINISHED,
    case_id,
    job_of,
    read,
)
from tests.harness import ACCOUNT, Harness

Document = dict[str, Any]
MARK = {"deep": [1, None, {"deeper": "text"}]}
FREE = frozenset(
    {
        *("preferences", "provider_options", "vendor_arguments", "operation", "document"),
        *("remixed_operation", "json_body", "outbox"),
        *("tags", "metadata"),
    }
)
"""Fields of any content, which are no models."""
REPLACED = frozenset({"outputs", "waiting", "pause"})
"""Models that a later reply of the provider replaces as a whole."""


def marked(value: Any) -> Any:
    """Add a field to every model of a document."""
    if isinstance(value, list):
        return [marked(member) for member in value]
    if not isinstance(value, dict):
        return value
    members = {name: member if name in FREE else marked(member) for name, member in value.items()}
    return {**members, "tomorrow": MARK}


def lost_marks(before: Any, after: Any, path: str = "job") -> Iterator[str]:
    """Yield the models that are still there without the field of the newer release."""
    if isinstance(before, list) and isinstance(after, list):
        for number, (old, new) in enumerate(zip(before, after, strict=False)):
            yield from lost_marks(old, new, f"{path}[{number}]")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return
    if after.get("tomorrow") != MARK:
        yield path
    for name in before.keys() - FREE - REPLACED - {"tomorrow"}:
        yield from lost_marks(before[name], after.get(name), f"{path}.{name}")


def stored(harness: Harness, job: Job) -> Document:
    document: Document = json.loads(harness.jobs.rows[job.account, job.id])
    return document


@pytest.mark.parametrize("path", UNFINISHED, ids=case_id)
def test_job_of_a_newer_release_finishes_without_a_lost_field(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    recording, harness, machine = prepared(path, monkeypatch)
    job = job_of(recording)
    before = marked(json.loads(job.model_dump_json()))
    harness.jobs.rows[job.account, job.id] = json.dumps(before)
    state = STATES_0_1_0.get(recording["state"], recording["state"])
    run_to_the_end(recording, harness, machine, state)
    assert harness.now(job).is_finished
    assert list(lost_marks(before, stored(harness, job))) == []


@pytest.mark.parametrize("path", JOBS, ids=case_id)
def test_every_model_of_a_stored_job_keeps_unknown_fields(path: Path):
    before = marked(json.loads(job_of(read(path)).model_dump_json()))
    after = json.loads(Job.model_validate_json(json.dumps(before)).model_dump_json())
    assert list(lost_marks(before, after)) == []


@pytest.mark.parametrize("path", UNFINISHED[:6], ids=case_id)
def test_members_of_a_newer_execution_input_reach_every_state(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    recording, harness, machine = prepared(path, monkeypatch)
    payloads: list[Mapping[str, Any]] = []

    def recorded(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def invoke(event: Any) -> Any:
            payloads.append(event)
            return run(event)

        return invoke

    machine.functions = {name: recorded(run) for name, run in machine.functions.items()}
    state = STATES_0_1_0.get(recording["state"], recording["state"])
    machine.run(recording["execution"], {**recording["payload"], "tomorrow": MARK}, state)
    assert harness.now(job_of(recording)).is_finished
    assert payloads
    assert all(payload["tomorrow"] == MARK for payload in payloads)


# --- states that this release does not know

UNKNOWN: dict[str, Callable[[Document], Document]] = {
    "stage": lambda job: {**job, "stage": "upscaling"},
    "status": lambda job: {**job, "status": "suspended"},
    "both": lambda job: {**job, "status": "suspended", "stage": "upscaling"},
    "outcome": lambda job: {**job, "outcome": {"status": "expired", "error": None}},
    "role": lambda job: {
        **job,
        "request": {
            **job["request"],
            "inputs": [{"role": "depth_map", "url": "https://a.example"}],
        },
    },
}


def newer(harness: Harness, change: Callable[[Document], Document]) -> Job:
    job = harness.accepted()
    changed = Job.model_validate(change(stored(harness, job)))
    harness.jobs.rows[job.account, job.id] = changed.model_dump_json()
    return job


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_state_is_read_and_left_alone(
    change: Callable[[Document], Document], capsys: pytest.CaptureFixture[str]
):
    harness = Harness()
    job = newer(harness, change)
    before = stored(harness, job)
    for step in (harness.submit, harness.poll, harness.collect):
        assert step(job) == {"status": "ending", "wait_seconds": 0}
    assert harness.finish(job, cause="States.Timeout") == {"status": "left"}
    assert stored(harness, job) == before
    shown = harness.service.get(ACCOUNT, job.id)
    assert shown.status in (JobStatus.QUEUED, JobStatus.IN_PROGRESS)
    assert harness.service.list(ACCOUNT, JobQuery()).jobs[0].status is shown.status
    harness.executions.running[job.id] = False
    harness.clock.advance(3600)
    assert harness.sweeper.sweep() == 0
    assert "NewerRecord" in capsys.readouterr().out
    kept = {"updated_at", "version", "check_at", "interrupted_at"}
    after = stored(harness, job)
    assert {name: after[name] for name in before.keys() - kept} == {
        name: before[name] for name in before.keys() - kept
    }


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_state_is_checked_again_and_finishes_after_rolling_forward(
    change: Callable[[Document], Document],
):
    harness = Harness()
    job = newer(harness, change)
    harness.executions.running[job.id] = False
    for _ in range(3):
        harness.clock.advance(601)
        due = [one.id for one in harness.jobs.due(harness.clock(), 10)]
        assert due == [job.id]
        harness.sweeper.sweep()
    known = ("stage", "status", "outcome", "request")
    original = json.loads(harness_document(harness))
    document = {**stored(harness, job), **{name: original[name] for name in known}}
    harness.jobs.rows[job.account, job.id] = json.dumps(document)
    harness.clock.advance(601)
    assert harness.sweeper.sweep() == 1
    assert harness.complete(harness.now(job)).status is JobStatus.COMPLETED


def harness_document(harness: Harness) -> str:
    """A new job, as this release writes it."""
    job = harness.accepted(account="another")
    document = harness.jobs.rows.pop((job.account, job.id))
    assert document
    return document
