"""The operator commands of docs/operations.md."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import NAME, Stack
from tests.e2e.small_jobs import completes, create
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
Operate = Callable[..., str]


@pytest.fixture
def operate(stack: Stack) -> Operate:
    environment = stack.environment() | {"PATH": "/usr/bin:/bin"}

    def run(*arguments: str, group: tuple[str, ...] = ("job",)) -> str:
        command = [sys.executable, "-m", "cli", *group, *arguments, "--stack", NAME]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    return run


@pytest.fixture
def running(client: httpx.Client) -> Iterator[str]:
    job_id: str = create(client, "small [slow=20]").json()["id"]
    yield job_id
    client.delete(f"/openai/v1/videos/{job_id}")


def run_until(operate: Operate, text: str, *arguments: str) -> str:
    """Repeat the command until its output contains the text."""

    def run() -> str:
        output = operate(*arguments)
        return output if text in output else ""

    return wait_for(run)


def test_show_prints_history_of_job(operate: Operate, running: str):
    output = run_until(operate, f"{running} of demo: in_progress", "show", running)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  created by the openai API", output)
    assert "accepted by sandbox" in output
    assert "model sandbox/sandbox-1, price $0.10" in output
    assert f"execution {running} is running" in output
    assert f"rushes job watch {running} --stack {NAME}" in output


def test_retry_starts_execution_of_open_job(
    operate: Operate, running: str, client: httpx.Client, stack: Stack, aws: Callable[[str], Any]
):
    run_until(operate, "accepted by", "show", running)
    machine = stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    aws("stepfunctions").stop_execution(executionArn=f"{machine}:{running}")
    assert re.search(rf"started {running}-r\d", operate("retry", running))
    assert completes(client, running)


def test_cancel_stops_job(operate: Operate, running: str):
    run_until(operate, "accepted by", "show", running)
    assert "will stop the job" in operate("cancel", running)
    assert "ended: cancelled" in run_until(operate, "ended: cancelled", "show", running)
    assert operate("cancel", running) == f"error: {running} has already ended\n"


def test_retry_creates_failed_job_again(operate: Operate, client: httpx.Client):
    job_id = create(client, "small [fail]").json()["id"]
    assert "ended: upstream_failed" in run_until(operate, "ended:", "show", job_id)
    output = operate("retry", job_id)
    assert re.fullmatch(r"created job_\w+; the provider bills it again\n", output)
    assert job_id not in output


def test_stuck_lists_no_jobs(operate: Operate):
    assert operate("stuck") == "no job is stuck\n"


def test_redrive_moves_dead_letters_back(operate: Operate, stack: Stack, aws: Callable[[str], Any]):
    """The event queue's consumer returns this invalid message to the dead letter queue."""
    sqs = aws("sqs")
    dead = stack.outputs["EventDeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody='{"no": "event"}')
    assert operate(group=("redrive",)).startswith("1 message(s) moved back")
    assert not sqs.receive_message(QueueUrl=dead).get("Messages")


@pytest.mark.parametrize("action", ["show", "retry", "cancel"])
def test_unknown_or_missing_job_id_is_refused(operate: Operate, action: str):
    assert operate(action, "job_none") == "error: job job_none not found\n"
    assert "Missing argument 'JOB'" in operate(action)
