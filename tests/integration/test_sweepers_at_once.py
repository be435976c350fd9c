"""Concurrent sweepers on the real table, state machine and bus."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.stack import Stack
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.eventbridge import EventBus
from rushes.aws.s3 import Bucket
from rushes.aws.step_functions import StateMachine
from rushes.jobs.job import Job
from rushes.jobs.job_state import STALE_AFTER
from rushes.jobs.request import GenerationRequest
from rushes.jobs.status import Stage
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.sweeper import Sweeper
from tests.stack import Events

Clients = Callable[[str], Any]
LONG_AGO = 1_000_000.0
"""Jobs of other tests are newer and not due by this clock."""
SWEEPERS, JOBS = 20, 4


def job_of(account: str, number: int, **fields: Any) -> Job:
    return Job(
        id=f"job_{account}_{number}",
        account=account,
        dialect="openai",
        provider="sandbox",
        upstream_model="sandbox-1",
        request=GenerationRequest(model="sora-2", prompt="a fox", seconds=4),
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
        deadline_at=LONG_AGO + 3600,
        **fields,
    )


def terminal_event(job_id: str) -> dict[str, Any]:
    fields = {"type": "job.completed", "timestamp": "2026-11-21T12:00:00Z", "sequence": 9}
    return {"id": f"evt_{job_id}_completed", **fields, "data": {"id": job_id}}


@pytest.fixture
def jobs(as_wired: Clients, table: str) -> JobTable:
    return JobTable(as_wired("dynamodb"), table)


@pytest.fixture
def sweeper(
    jobs: JobTable, as_wired: Clients, bucket: Bucket, idle_machine: str, stack: Stack
) -> Sweeper:
    def clock() -> float:
        return LONG_AGO + STALE_AFTER + 1

    bus = EventBus(as_wired("events"), stack.outputs["BusName"])
    machine = StateMachine(as_wired("stepfunctions"), idle_machine)
    return Sweeper(jobs, bucket, machine, EventPublisher(jobs, bus, clock), clock)


def test_twenty_concurrent_sweepers_do_the_work_of_one(
    sweeper: Sweeper, jobs: JobTable, as_wired: Clients, idle_machine: str, events: Events
):
    account, states = secrets.token_hex(4), as_wired("stepfunctions")
    never_started = [job_of(account, number) for number in range(JOBS)]
    running = {"stage": Stage.RUNNING, "status": "in_progress", "operation": {"id": "up-1"}}
    abandoned = [job_of(account, 10 + number, **running) for number in range(JOBS)]
    unpublished = [
        job_of(account, 20 + number, **{**running, "stage": Stage.FINISHED, "status": "completed"})
        for number in range(JOBS)
    ]
    unpublished = [
        job.model_copy(update={"outbox": (terminal_event(job.id),)}) for job in unpublished
    ]
    for job in (*never_started, *abandoned, *unpublished):
        jobs.add(job)
    of = idle_machine.replace(":stateMachine:", ":execution:")
    for job in abandoned:
        states.start_execution(stateMachineArn=idle_machine, name=job.id, input="{}")
        states.stop_execution(executionArn=f"{of}:{job.id}")
    with ThreadPoolExecutor(SWEEPERS) as threads:
        list(threads.map(lambda _: sweeper.sweep(), range(SWEEPERS)))
    names = [job.id for job in never_started] + [f"{job.id}-r2" for job in abandoned]
    for name in names:
        execution = states.describe_execution(executionArn=f"{of}:{name}")
        assert execution["status"] == "RUNNING", name
    known = {execution["name"] for execution in all_executions(states, idle_machine)}
    assert {name for name in known if account in name} == {*names, *(job.id for job in abandoned)}
    for job in unpublished:
        stored = jobs.get(account, job.id)
        assert stored
        assert stored.outbox == ()
        assert {event["id"] for event in events.of(job.id)} == {f"evt_{job.id}_completed"}
    for name in names:
        states.stop_execution(executionArn=f"{of}:{name}")


def all_executions(states: Any, machine: str) -> list[dict[str, Any]]:
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    return [execution for page in pages for execution in page["executions"]]
