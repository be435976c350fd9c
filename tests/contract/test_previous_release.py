"""Jobs that released versions left behind, in the hands of the present code: none gets stuck."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from functions.collect import app as collect
from functions.finish import app as finish
from functions.poll import app as poll
from functions.submit import app as submit
from local.packaging import ROOT
from rushes import wiring
from rushes.jobs.job import Job
from rushes.jobs.status import TERMINAL
from tests.fixtures.releases.finished_jobs import OPEN, OVER, Left, harness_of, job_of, named, read
from tests.harness import Harness
from tests.machine import Machine

PRESENT = ROOT / "statemachine/media_job.asl.json"

ENDS = {
    "submitting": ("failed", "upstream_outcome_unknown"),
    "cancel_requested_while_submitting": ("failed", "upstream_outcome_unknown"),
    "will_fail": ("failed", "content_filtered"),
    "cancel_requested_while_waiting": ("cancelled", None),
    "cancel_requested_while_running": ("cancelled", None),
    "cancelled_by_client": ("cancelled", None),
    "deleted_while_running": ("cancelled", None),
}
"""How those end that do not complete."""
CREATED = {
    *("accepted", "waiting", "remix", "moved_to_its_next_candidate"),
    *("with_a_picture", "with_an_address", "with_what_was_fetched"),
}
"""Those whose create call is still to be made; any other is paid for, or might be."""


def machine_of(definition: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The present functions behind a definition, working on a world."""
    context: Any = SimpleNamespace(
        function_name="rushes",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:rushes",
        aws_request_id="7d6f2d8c-3b1c-4a52-8a3c-52c9b9a6f2e1",
    )

    def job(account: str, job_id: str) -> Job:
        stored = harness.jobs.get(account, job_id)
        assert stored
        return stored

    monkeypatch.setattr(wiring, "submit", lambda: lambda *ids: harness.submit(job(*ids)))
    monkeypatch.setattr(wiring, "poll", lambda: lambda *ids: harness.poll(job(*ids)))
    monkeypatch.setattr(wiring, "collect", lambda: lambda *ids: harness.collect(job(*ids)))
    monkeypatch.setattr(
        wiring, "finish", lambda: lambda a, j, name, cause: harness.finish(job(a, j), name, cause)
    )
    handlers = {"Submit": submit, "Poll": poll, "Collect": collect, "Finish": finish}
    functions = {
        f"{name}FunctionArn": lambda event, app=app: app.lambda_handler(event, context)
        for name, app in handlers.items()
    }
    return Machine(read(definition), functions, harness.clock.advance)


def run_to_the_end(left: Left, harness: Harness, machine: Machine) -> None:
    """From where it stands; a job that is left open by its execution is given another one."""
    machine.run(left["execution"], left["payload"], left["state"])
    job = harness.now(job_of(left))
    if not job.is_finished:
        harness.executions.running[left["execution"]] = False
        go_on(harness, machine, job)


def go_on(harness: Harness, machine: Machine, job: Job) -> None:
    harness.clock.advance(300)
    harness.sweeper.sweep()
    job = harness.now(job)
    assert harness.executions.running[job.execution_name]
    machine.run(job.execution_name, {"version": 1, "account": job.account, "job_id": job.id})


def assert_right_end(path: Path, harness: Harness, machine: Machine) -> None:
    job = harness.now(job_of(read(path)))
    status, code = ENDS.get(path.stem, ("completed", None))
    assert (job.status, job.error and job.error.code) == (status, code)
    assert len(harness.creates()) == (path.stem in CREATED)
    told = [
        event for event in (*machine.events, *harness.bus.events) if "started" not in event["id"]
    ]
    assert [event["type"] for event in told] == [f"job.{status}"]
    assert job.outbox == ()


@pytest.mark.parametrize("path", OPEN, ids=named)
def test_an_execution_goes_on_by_the_old_definition_with_the_present_functions(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On AWS a running execution keeps the definition that it was started with."""
    left = read(path)
    harness = harness_of(left)
    machine = machine_of(path.parents[1] / PRESENT.name, harness, monkeypatch)
    run_to_the_end(left, harness, machine)
    assert_right_end(path, harness, machine)


@pytest.mark.parametrize("path", OPEN, ids=named)
def test_a_payload_is_understood_in_the_same_state_of_the_present_definition(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The local engine, and who redrives by hand, put an old payload into a new definition."""
    left = read(path)
    harness = harness_of(left)
    machine = machine_of(PRESENT, harness, monkeypatch)
    run_to_the_end(left, harness, machine)
    assert_right_end(path, harness, machine)


@pytest.mark.parametrize("path", OPEN, ids=named)
def test_a_job_whose_execution_is_gone_is_got_done_by_a_new_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    left = read(path)
    harness = harness_of(left)
    harness.executions.running[left["execution"]] = False
    machine = machine_of(PRESENT, harness, monkeypatch)
    go_on(harness, machine, job_of(left))
    assert harness.now(job_of(left)).executions == left["row"]["document"]["executions"] + 1
    assert_right_end(path, harness, machine)


@pytest.mark.parametrize("path", OVER, ids=named)
def test_what_is_over_stays_as_it_is(path: Path):
    left = read(path)
    harness = harness_of(left)
    before = dict(harness.jobs.rows)
    job = job_of(left)
    assert job.status in TERMINAL
    harness.clock.advance(300)
    harness.finish(job, left["execution"])
    assert harness.sweeper.sweep() == 0
    assert harness.jobs.rows == before


def problems(release: Path, events: list[Left]) -> list[str]:
    """What the release's schemas say against events; of types that came later they say nothing."""
    found = []
    for event in events:
        schema = release / f"{event['type']}.v1.schema.json"
        if schema.exists():
            validator = Draft202012Validator(read(schema), format_checker=FormatChecker())
            found += [error.message for error in validator.iter_errors(event)]
    return found


@pytest.mark.parametrize("path", OPEN, ids=named)
def test_an_event_of_now_keeps_to_the_schema_of_then(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Listeners were written against it."""
    left = read(path)
    harness = harness_of(left)
    machine = machine_of(PRESENT, harness, monkeypatch)
    machine.run(left["execution"], left["payload"], left["state"])
    assert problems(path.parents[1], [*machine.events, *harness.bus.events]) == []
