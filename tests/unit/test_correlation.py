"""One job followed by its request id: log lines, metrics, execution, provider call and events."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from functions.api import app as api
from functions.collect import app as collect
from functions.deliver import app as deliver
from functions.finish import app as finish
from functions.notify import app as notify
from functions.poll import app as poll
from functions.submit import app as submit
from functions.sweep import app as sweep
from rushes.api.auth import Authenticator
from rushes.api.jobs import JobsApi
from rushes.api.key_hashing import create_api_key
from rushes.api.request_log import MAX_CLIENT_REQUEST_ID, client_request_id
from rushes.aws.step_functions import StateMachine
from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from rushes.logs import function_logger
from rushes.webhooks.fanout import ids_of
from rushes.wiring import api as api_wiring
from rushes.wiring import sweep as sweep_wiring
from rushes.wiring import webhooks as webhook_wiring
from rushes.wiring import workflow as wiring
from tests.fakes import FakeKeys
from tests.harness import (
    ACCOUNT,
    CATALOG,
    CONTENT,
    CREATE,
    MP4_BYTES,
    POLL_CALL,
    Harness,
    reply,
    video,
)
from tests.lambda_context import InvocationContext
from tests.unit.dialects.api_client import event as request_event
from tests.unit.webhooks.harness import Harness as WebhookHarness
from tests.unit.webhooks.harness import endpoint

CONTEXT: Any = InvocationContext()
GATEWAY_ID = "request-of-gateway"
"""The id in events of tests/unit/dialects/api_client.py."""
CLIENT_ID = "order-17/3"
HEADER = "x-client-request-id"


class States:
    """A client of Step Functions that records the inputs of executions."""

    def __init__(self) -> None:
        self.inputs: list[dict[str, Any]] = []

    def start_execution(self, **call: Any) -> None:
        self.inputs.append(json.loads(call["input"]))


class Deployment:
    """All functions on in-memory ports, with their log and metric lines."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        lines: StringIO,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        provider = CATALOG.providers["sandbox"].model_copy(update={"request_id_header": HEADER})
        providers = {**CATALOG.providers, "sandbox": provider}
        catalog = CATALOG.model_copy(update={"providers": providers})
        self.core = core = Harness(catalog=catalog)
        self.lines, self.capsys = lines, capsys
        self.states = States()
        states: Any = self.states
        machine = StateMachine(states, "arn:aws:states:r:1:stateMachine:jobs")
        core.executions.start = machine.start  # type: ignore[method-assign]
        keys = FakeKeys()
        self.key, record = create_api_key(ACCOUNT, core.clock())
        keys.add(record)
        jobs_api = JobsApi(core.service, Authenticator(keys), "https://rushes.example")
        monkeypatch.setattr(api_wiring, "jobs_api", lambda: jobs_api)
        for name in ("submit", "poll", "collect", "finish"):
            task = SimpleNamespace(run=partial(self._run, getattr(core, name)))
            monkeypatch.setattr(wiring, name, lambda task=task: task)
        monkeypatch.setattr(sweep_wiring, "job_sweeper", lambda: core.sweeper)
        self.webhooks = WebhookHarness(clock=core.clock, jobs=core.jobs)
        monkeypatch.setattr(webhook_wiring, "fanout", lambda: self.webhooks.fanout)
        monkeypatch.setattr(webhook_wiring, "deliver", lambda: self.webhooks.deliver)

    def _run(self, task: Callable[..., Any], account: str, job_id: str, *others: str | None) -> Any:
        """Run a task of the harness, which takes the job in place of its ids."""
        job = self.core.jobs.get(account, job_id)
        return task(job, *others)

    def create(self, **headers: str) -> tuple[Job, dict[str, str]]:
        """Send a create call; return the job and the response's headers."""
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        body = json.dumps({"model": "sandbox/one", "prompt": "a red ball"}).encode()
        call = request_event("POST", "/openai/v1/videos", body, {**sent, **headers})
        response = api.lambda_handler(call, CONTEXT)
        job = self.core.jobs.get(ACCOUNT, json.loads(response["body"])["id"])
        assert job
        return job, response["headers"]

    def run(self) -> None:
        """Run the states of an execution that completes."""
        self.core.answer(CREATE, video("queued"))
        self.core.answer(POLL_CALL, reply(503), video("in_progress"), video("completed"))
        self.core.http_client.files[CONTENT] = MP4_BYTES
        result = submit.lambda_handler(self.states.inputs[-1], CONTEXT)
        for _ in range(3):
            self.core.clock.advance(result["wait_seconds"])
            result = poll.lambda_handler(result, CONTEXT)
        result = collect.lambda_handler(result, CONTEXT)
        finish.lambda_handler({**result, "execution": "e"}, CONTEXT)

    def deliver(self, event: dict[str, Any]) -> None:
        """Send an event to an endpoint of the job's account."""
        self.webhooks.endpoints.add(endpoint("we_1", account=ACCOUNT))
        notify.lambda_handler(batch(event), CONTEXT)
        (task,) = self.webhooks.queue.now
        deliver.lambda_handler(batch(task.as_message()), CONTEXT)

    def written(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the lines of log and metrics, or those of one log event."""
        self.lines.write(self.capsys.readouterr().out)
        lines = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        return [line for line in lines if event in (None, line.get("message"))]


def batch(message: dict[str, Any]) -> dict[str, Any]:
    fixed = {"eventSource": "aws:sqs", "receiptHandle": "r", "attributes": {}}
    return {"Records": [{**fixed, "messageId": "m", "body": json.dumps(message)}]}


@pytest.fixture
def deployment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deployment]:
    lines = StringIO()
    handler: Any = function_logger().registered_handler
    before = handler.setStream(lines)
    yield Deployment(monkeypatch, lines, capsys)
    if before is not None:
        handler.setStream(before)


def test_a_job_is_followed_from_the_response_to_the_webhook(deployment: Deployment):
    job, headers = deployment.create(**{"x-request-id": CLIENT_ID})
    assert headers["x-request-id"] == GATEWAY_ID == job.request_id
    assert deployment.states.inputs == [
        {"version": 1, "account": ACCOUNT, "job_id": job.id, "request_id": GATEWAY_ID}
    ]
    deployment.run()
    deployment.deliver(deployment.core.bus.events[-1])
    ids = {"job_id": job.id, "account": ACCOUNT, "request_id": GATEWAY_ID}
    lines = deployment.written()
    for line in lines:
        assert line.items() >= ids.items(), line
    logged = {line["message"] for line in lines if "message" in line}
    assert logged >= {
        "request_completed",
        "submit_completed",
        "provider_call_failed",
        "poll_completed",
        "collect_completed",
        "job_finished",
        "finish_completed",
        "deliveries_created",
        "delivery_attempted",
    }
    measured = {name for line in lines if "_aws" in line for name in metrics_of(line)}
    assert measured >= {
        "ApiRequests",
        "QueueAge",
        "ProviderCallFailed",
        "Retries",
        "PollDelay",
        "JobsFinished",
        "TimeToFirstOutput",
        "Spend",
        "WebhookAttempts",
    }
    for event in deployment.core.bus.events:
        assert event["data"]["request_id"] == GATEWAY_ID
    (create,) = deployment.core.creates()
    assert create.headers[HEADER] == f"{GATEWAY_ID}-1"


def metrics_of(line: dict[str, Any]) -> list[str]:
    definitions = line["_aws"]["CloudWatchMetrics"]
    return [metric["Name"] for each in definitions for metric in each["Metrics"]]


def test_client_finds_its_own_id_and_the_job_in_one_line(deployment: Deployment):
    job, _ = deployment.create(**{"x-request-id": CLIENT_ID})
    (line,) = deployment.written("request_completed")
    assert (line["client_request_id"], line["job_id"]) == (CLIENT_ID, job.id)


def test_sweeper_names_the_job_that_it_restarts(deployment: Deployment):
    job, _ = deployment.create()
    deployment.core.executions.running[job.id] = False
    deployment.core.clock.advance(600)
    deployment.lines.truncate(0)
    deployment.lines.seek(0)
    sweep.lambda_handler({"detail-type": "Scheduled Event"}, CONTEXT)
    (line,) = [
        line for line in deployment.written() if line.get("message") == "execution_restarted"
    ]
    ids = {"job_id": job.id, "account": ACCOUNT, "request_id": GATEWAY_ID}
    assert line.items() >= ids.items()
    assert deployment.states.inputs[-1]["request_id"] == GATEWAY_ID


def test_event_of_a_failed_execution_names_its_job(deployment: Deployment):
    job, _ = deployment.create()
    start = json.dumps(deployment.states.inputs[-1])
    failed = {"detail-type": "Step Functions Execution Status Change", "detail": {"input": start}}
    sweep.lambda_handler(failed, CONTEXT)
    (line,) = deployment.written("sweep_finished")
    assert (line["job_id"], line["request_id"]) == (job.id, GATEWAY_ID)


def test_failed_start_and_failed_request_name_the_request(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise AwsUnavailable("throttled")

    deployment.core.executions.start = fail  # type: ignore[method-assign]
    job, _ = deployment.create()
    monkeypatch.setattr(deployment.core.jobs, "add", fail)
    with pytest.raises(KeyError):
        deployment.create()
    (not_started,) = deployment.written("job_not_started")
    assert not_started["job_id"] == job.id
    (failed,) = deployment.written("request_failed")
    for line in (not_started, failed):
        assert (line["account"], line["request_id"]) == (ACCOUNT, GATEWAY_ID)


def test_execution_of_an_older_release_has_two_ids(deployment: Deployment):
    job, _ = deployment.create()
    start = {"version": 1, "account": ACCOUNT, "job_id": job.id}
    deployment.core.answer(CREATE, video("queued"))
    submit.lambda_handler(start, CONTEXT)
    (line,) = deployment.written("submit_completed")
    assert (line["job_id"], line["account"]) == (job.id, ACCOUNT)
    assert line.get("request_id") is None


@pytest.mark.parametrize("event", [{}, {"data": None}, {"data": [1]}, {"data": {"id": 5}}])
def test_events_that_an_operator_edited_still_have_log_fields(event: dict[str, Any]):
    assert set(ids_of(event)) <= {"job_id", "account", "request_id"}


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        ("order-17", "order-17"),
        ("6f1d3a0c-9b7e-2d45", "6f1d3a0c-9b7e-2d45"),
        ("", None),
        ('a"b\n{"c": 1}', "a_b___c_:_1_"),
        ("naïve ✓", "na_ve__"),
        ("x" * 500, "x" * MAX_CLIENT_REQUEST_ID),
    ],
)
def test_id_of_a_client_is_bounded_and_plain(sent: str, logged: str | None):
    assert client_request_id({"x-request-id": sent}) == logged
    assert logged is None or re.fullmatch(r"[A-Za-z0-9._:/+=@-]+", logged)


def test_client_without_an_id_has_none():
    assert client_request_id({}) is None
