"""Run jobs that earlier releases recorded with the present code: every job finishes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from functions.collect import app as collect
from functions.finish import app as finish
from functions.poll import app as poll
from functions.submit import app as submit
from local.packaging import ROOT
from rushes.jobs.job import Job
from rushes.jobs.status import TERMINAL
from rushes.wiring import workflow
from tests.fixtures.releases.finished_jobs import (
    FINISHED,
    STATES_0_1_0,
    UNFINISHED,
    Recording,
    case_id,
    harness_of,
    job_of,
    read,
)
from tests.harness import Harness
from tests.lambda_context import InvocationContext
from tests.machine import Machine

PRESENT = ROOT / "statemachine/media_job.asl.json"

TERMINAL_STATES = {
    "submitting": ("failed", "upstream_outcome_unknown"),
    "cancel_requested_while_submitting": ("failed", "upstream_outcome_unknown"),
    "will_fail": ("failed", "content_filtered"),
    "cancel_requested_while_waiting": ("cancelled", None),
    "cancel_requested_while_running": ("cancelled", None),
    "cancelled_by_client": ("cancelled", None),
    "deleted_while_running": ("cancelled", None),
}
"""Status and error code of the cases that do not complete."""
WITHOUT_CREATE = {
    *("accepted", "waiting", "remix", "failed_over"),
    *("with_image", "with_input_url", "with_fetched_input"),
}
"""Cases without a create call yet; in any other one a second call could be billed."""


@dataclass
class Task:
    run: Callable[..., Any]


def machine_of(definition: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Run the present functions by a definition, on a harness."""
    context: Any = InvocationContext()

    def job(account: str, job_id: str) -> Job:
        stored = harness.jobs.get(account, job_id)
        assert stored
        return stored

    def task(step: str) -> Task:
        run = getattr(harness, step)
        return Task(lambda account, job_id, *more: run(job(account, job_id), *more))

    for step in ("submit", "poll", "collect", "finish"):
        monkeypatch.setattr(workflow, step, partial(task, step))
    handlers = {"Submit": submit, "Poll": poll, "Collect": collect, "Finish": finish}
    functions = {
        f"{name}FunctionArn": lambda event, app=app: app.lambda_handler(event, context)
        for name, app in handlers.items()
    }
    return Machine(read(definition), functions, harness.clock.advance)


def prepared(
    path: Path, monkeypatch: pytest.MonkeyPatch, definition: Path = PRESENT
) -> tuple[Recording, Harness, Machine]:
    recording = read(path)
    harness = harness_of(recording)
    return recording, harness, machine_of(definition, harness, monkeypatch)


def run_to_the_end(
    recording: Recording, harness: Harness, machine: Machine, state: str | None = None
) -> None:
    """Run from the recorded state; the sweeper restarts a job that its execution left open."""
    machine.run(recording["execution"], recording["payload"], state or recording["state"])
    job = harness.now(job_of(recording))
    if not job.is_finished:
        harness.executions.running[recording["execution"]] = False
        restart(harness, machine, job)


def restart(harness: Harness, machine: Machine, job: Job) -> None:
    harness.clock.advance(300)
    harness.sweeper.sweep()
    job = harness.now(job)
    assert harness.executions.running[job.execution_name]
    machine.run(job.execution_name, {"version": 1, "account": job.account, "job_id": job.id})


def assert_finished(path: Path, harness: Harness, machine: Machine) -> None:
    job = harness.now(job_of(read(path)))
    status, code = TERMINAL_STATES.get(path.stem, ("completed", None))
    assert (job.status, job.error and job.error.code) == (status, code)
    assert len(harness.creates()) == (path.stem in WITHOUT_CREATE)
    published = (*machine.events, *harness.bus.events)
    terminal = [event["type"] for event in published if "started" not in event["id"]]
    assert terminal == [f"job.{status}"]
    assert job.outbox == ()


@pytest.mark.parametrize("path", UNFINISHED, ids=case_id)
def test_old_definition_with_present_functions_finishes_every_job(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On AWS a running execution keeps the definition that it started with."""
    definition = path.parents[1] / PRESENT.name
    recording, harness, machine = prepared(path, monkeypatch, definition)
    run_to_the_end(recording, harness, machine)
    assert_finished(path, harness, machine)


@pytest.mark.parametrize("path", UNFINISHED, ids=case_id)
def test_present_definition_accepts_old_payload_in_the_same_state(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The local engine and a manual redrive put an old payload into a new definition."""
    recording, harness, machine = prepared(path, monkeypatch)
    state = STATES_0_1_0.get(recording["state"], recording["state"])
    run_to_the_end(recording, harness, machine, state)
    assert_finished(path, harness, machine)


@pytest.mark.parametrize("path", UNFINISHED, ids=case_id)
def test_sweeper_restarts_job_without_execution(path: Path, monkeypatch: pytest.MonkeyPatch):
    recording, harness, machine = prepared(path, monkeypatch)
    harness.executions.running[recording["execution"]] = False
    job = job_of(recording)
    restart(harness, machine, job)
    assert harness.now(job).executions == job.executions + 1
    assert_finished(path, harness, machine)


@pytest.mark.parametrize("path", FINISHED, ids=case_id)
def test_finished_job_stays_unchanged(path: Path):
    recording = read(path)
    harness = harness_of(recording)
    before = dict(harness.jobs.rows)
    job = job_of(recording)
    assert job.status in TERMINAL
    harness.clock.advance(300)
    harness.finish(job, recording["execution"])
    assert harness.sweeper.sweep() == 0
    assert harness.jobs.rows == before


def problems(release: Path, events: list[Recording]) -> list[str]:
    """Validate events by the release's schemas; event types added later have none."""
    found = []
    for event in events:
        schema = release / f"{event['type']}.v1.schema.json"
        if schema.exists():
            validator = Draft202012Validator(read(schema), format_checker=FormatChecker())
            found += [error.message for error in validator.iter_errors(event)]
    return found


@pytest.mark.parametrize("path", UNFINISHED, ids=case_id)
def test_present_events_match_the_old_schemas(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Subscribers were written against the old schemas."""
    recording, harness, machine = prepared(path, monkeypatch)
    state = STATES_0_1_0.get(recording["state"], recording["state"])
    machine.run(recording["execution"], recording["payload"], state)
    assert problems(path.parents[1], [*machine.events, *harness.bus.events]) == []
