"""What an operator can do about a stack's jobs, by the commands that docs/operations.md names."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import NAME, Stack
from tests.e2e.small_jobs import completes, create

ROOT = Path(__file__).parents[2]
Operate = Callable[..., str]


@pytest.fixture
def operate(stack: Stack) -> Operate:
    environment = stack.environment() | {"PATH": "/usr/bin:/bin"}

    def run(*arguments: str) -> str:
        command = [sys.executable, "scripts/jobs.py", "--stack", NAME, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    return run


@pytest.fixture
def running(client: httpx.Client) -> Iterator[str]:
    job_id: str = create(client, "small [slow=6]").json()["id"]
    yield job_id
    client.delete(f"/openai/v1/videos/{job_id}")


def until(operate: Operate, words: str, *arguments: str, seconds: float = 20.0) -> str:
    """What the command says once it says that."""
    deadline = time.monotonic() + seconds
    while True:
        said = operate(*arguments)
        if words in said or time.monotonic() > deadline:
            return said
        time.sleep(0.5)


def test_a_jobs_timeline(operate: Operate, running: str):
    said = until(operate, "taken by", "show", running)
    assert f"{running} of demo: in_progress" in said
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  accepted, in openai's words", said)
    assert "taken by sandbox" in said
    assert f"execution {running} runs" in said


def test_a_job_whose_execution_was_stopped_is_retried(
    operate: Operate, running: str, client: httpx.Client, stack: Stack, aws: Callable[[str], Any]
):
    until(operate, "taken by", "show", running)
    machine = stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    aws("stepfunctions").stop_execution(executionArn=f"{machine}:{running}")
    assert re.search(rf"started {running}-r\d", operate("retry", running))
    assert completes(client, running, 40)


def test_a_job_is_cancelled(operate: Operate, running: str):
    until(operate, "taken by", "show", running)
    assert "sees to it" in operate("cancel", running)
    assert "ended: cancelled" in until(operate, "ended: cancelled", "show", running)
    assert operate("cancel", running) == f"{running} has ended already\n"


def test_a_failed_job_is_made_again_as_another(operate: Operate, client: httpx.Client):
    job_id = create(client, "small [fail]").json()["id"]
    assert "ended: upstream_failed" in until(operate, "ended:", "show", job_id)
    said = operate("retry", job_id)
    assert re.fullmatch(r"accepted job_\w+: it will be paid for\n", said)
    assert job_id not in said


def test_nothing_is_stuck(operate: Operate):
    assert operate("stuck") == ""


def test_dead_letters_go_back_to_their_queue(
    operate: Operate, stack: Stack, aws: Callable[[str], Any]
):
    """Given back, a message that makes no sense comes to where it was."""
    sqs = aws("sqs")
    dead = stack.outputs["UndeliverableEventsUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody='{"no": "event"}')
    assert operate("redrive").startswith("1 message(s) given back")
    assert not sqs.receive_message(QueueUrl=dead).get("Messages")


@pytest.mark.parametrize("action", ["show", "retry", "cancel"])
def test_a_job_that_is_not_there(operate: Operate, action: str):
    assert operate(action, "job_none") == "there is no job job_none\n"
    assert f"{action} wants a job's id" in operate(action)
