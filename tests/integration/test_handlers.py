"""Every handler in this process, wired to the real engine and the sandbox.

The state machine is one that only waits, so that the tests take each step of a job themselves,
and see what it gives to the next.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import httpx
import pytest

from functions.api import app as api
from functions.collect import app as collect
from functions.deliver import app as deliver
from functions.finish import app as finish
from functions.notify import app as notify
from functions.poll import app as poll
from functions.submit import app as submit
from functions.sweep import app as sweep
from local.stack import Stack
from rushes import wiring
from rushes.api.auth import create_api_key
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.dynamodb.lookup_tables import KeyTable
from rushes.config import settings
from rushes.jobs.content_type import sniff
from rushes.jobs.job import Job
from tests.stack import REGION, Events

Clients = Callable[[str], Any]
Event = dict[str, Any]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
)
ROOT = Path(__file__).parents[2]
SMALL = {"model": "sora-2", "size": "128x72", "seconds": 1}
FIFO = {"FifoQueue": "true"}


@dataclass(frozen=True)
class Context:
    """What a handler is told of the function that it runs as."""

    function_name: str = "rushes"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:rushes"
    aws_request_id: str = "7d6f2d8c-3b1c-4a52-8a3c-52c9b9a6f2e1"


@pytest.fixture(scope="session")
def queues(as_wired: Clients) -> dict[str, str]:
    """Queues that no function of the stack is woken by."""
    sqs = as_wired("sqs")
    kinds = {"EVENTS_QUEUE_URL": ("events", {}), "DELIVERIES_QUEUE_URL": ("deliveries.fifo", FIFO)}
    return {
        variable: sqs.create_queue(QueueName=f"handlers-{name}", Attributes=facts)["QueueUrl"]
        for variable, (name, facts) in kinds.items()
    }


@pytest.fixture(autouse=True)
def environment(
    stack: Stack,
    table: str,
    idle_machine: str,
    queues: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """The functions' environment, and nothing left in their memory before and after."""
    theirs = stack.environment()
    variables = {
        "TABLE_NAME": table,
        "BUCKET_NAME": stack.outputs["BucketName"],
        "PROVIDER_SECRET_ARN": stack.outputs["ProviderSecretArn"],
        "STATE_MACHINE_ARN": idle_machine,
        "BUS_NAME": stack.outputs["BusName"],
        **queues,
        "OUTPUT_DAYS": "30",
        "OUTPUT_BYTES": str(50 * 1024 * 1024),
        "LOCAL_MODE": "true",
        "AWS_REGION": REGION,
        **{name: it for name, it in theirs.items() if name.startswith("AWS_")},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wiring, "ONE_SESSION", boto3.session.Session())
    forget()
    yield
    forget()


def forget() -> None:
    settings.cache_clear()
    for thing in vars(wiring).values():
        if hasattr(thing, "cache_clear"):
            thing.cache_clear()


@pytest.fixture
def jobs(as_wired: Clients, table: str) -> JobTable:
    return JobTable(as_wired("dynamodb"), table)


def run(function: ModuleType, event: Event) -> Event:
    answer: Event = function.lambda_handler(event, Context())
    json.dumps(answer)  # or Lambda could not hand it on
    return answer


@dataclass
class Caller:
    """An account's way to the api function, as API Gateway would put it."""

    key: str
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, body: Event | None = None) -> Event:
        path, _, query = path.partition("?")
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": dict(it.split("=") for it in query.split("&") if it),
            "headers": headers | self.headers,
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
                "requestId": "Jxk2cgfSoAMEVxw=",
                "stage": "$default",
            },
            "body": base64.b64encode(json.dumps(body).encode()).decode() if body else None,
            "isBase64Encoded": body is not None,
        }
        return run(api, event)

    def json(self, method: str, path: str, body: Event | None = None) -> Event:
        answer = self(method, path, body)
        assert answer["statusCode"] == 200, answer
        told: Event = json.loads(answer["body"])
        return told

    def create(self, prompt: str, **fields: object) -> str:
        told = self.json("POST", "/openai/v1/videos", {**SMALL, "prompt": prompt, **fields})
        assert told["status"] == "queued"
        job_id: str = told["id"]
        return job_id


@pytest.fixture
def call(as_wired: Clients, table: str) -> Caller:
    key, record = create_api_key("demo", time.time())
    KeyTable(as_wired("dynamodb"), table).add(record)
    return Caller(key)


def step_until(function: ModuleType, event: Event, *statuses: str) -> Event:
    """The step again and again, as the state machine takes it, but without its waits."""
    deadline = time.monotonic() + 20
    while True:
        event = run(function, event)
        if event["status"] in statuses:
            return event
        assert event["status"] == "pending"
        assert 1 <= event["wait_seconds"] <= 300
        assert time.monotonic() < deadline
        time.sleep(0.1)


def start(job_id: str, account: str = "demo") -> Event:
    return {"version": 1, "account": account, "job_id": job_id}


def told(events: Events, job_id: str) -> Event:
    """How the job ended, as the bus tells it."""
    (event,) = events.of(job_id, 10)
    return event


def carry_out(job_id: str) -> Event:
    """All of a job's steps; gives what the last one says."""
    event = step_until(submit, start(job_id), "submitted", "ending")
    if event["status"] == "submitted":
        event = step_until(poll, event, "succeeded", "ending")
    if event["status"] == "succeeded":
        event = step_until(collect, event, "ending")
    return run(finish, {**event, "execution": job_id})


FUNCTIONS = {
    it.__name__.split(".")[1]: it
    for it in (api, submit, poll, collect, finish, notify, deliver, sweep)
}
EVERY_CASE = sorted((ROOT / "events/invoke").glob("*/*.json"))
CASES = [it for it in EVERY_CASE if it.parent.name in FUNCTIONS]  # test_webhooks.py has the others


@pytest.mark.parametrize("case", CASES, ids=lambda it: f"{it.parent.name}/{it.stem}")
def test_a_function_answers_each_case_that_it_may_be_invoked_with(case: Path, call: Caller):
    event = json.loads(case.read_text())
    if "headers" in event:
        event["headers"]["authorization"] = f"Bearer {call.key}"
    if "job_id" in event:
        event["job_id"] = call.create("A fox in the snow")
    if case.parent.name in ("poll", "collect"):
        step_until(submit, start(event["job_id"]), "submitted")
    answer = run(FUNCTIONS[case.parent.name], event)
    assert answer.get("statusCode", 200) == 200, answer
    assert {"statusCode", "status", "repaired", "batchItemFailures"} & set(answer)
    assert not answer.get("batchItemFailures")


def test_a_job_becomes_a_film_in_the_bucket(
    call: Caller, as_wired: Clients, idle_machine: str, events: Events
):
    job_id = call.create("A fox in the snow", seed=7)
    execution = f"{idle_machine.replace(':stateMachine:', ':execution:')}:{job_id}"
    begun = as_wired("stepfunctions").describe_execution(executionArn=execution)
    assert json.loads(begun["input"]) == start(job_id)

    ended = carry_out(job_id)
    assert ended == {"status": "completed"}
    event = told(events, job_id)
    data = event["data"]
    assert (event["type"], data["id"], data["cost"]) == ("job.completed", job_id, 0.1)

    shown = call.json("GET", f"/openai/v1/videos/{job_id}")
    assert (shown["status"], shown["progress"]) == ("completed", 100)
    content = call("GET", f"/openai/v1/videos/{job_id}/content")
    assert content["statusCode"] == 302
    film = httpx.get(content["headers"]["location"])
    assert film.headers["content-type"] == "video/mp4"
    assert sniff(film.content) == "video/mp4"
    (artifact,) = data["artifacts"]
    assert artifact["sha256"] == hashlib.sha256(film.content).hexdigest()
    assert artifact["size"] == len(film.content)

    for execution in (job_id, f"{job_id}-r2"):
        again = run(finish, {**start(job_id), "execution": execution})
        assert again["status"] == "completed"
    assert told(events, job_id) == event


def test_a_job_that_the_provider_fails_has_failed(call: Caller, events: Events):
    job_id = call.create("A fox [filter]")
    assert carry_out(job_id)["status"] == "failed"
    data = told(events, job_id)["data"]
    assert (data["error"]["code"], data["artifacts"]) == ("content_filtered", [])


def test_a_job_that_the_provider_refuses_is_never_polled(call: Caller, events: Events):
    job_id = call.create("A fox [refuse]")
    assert run(submit, start(job_id))["status"] == "ending"
    run(finish, {**start(job_id), "execution": job_id})
    assert told(events, job_id)["data"]["error"]["code"] == "content_filtered"


@pytest.mark.parametrize(
    ("directive", "code"),
    [("[html]", "bad_output"), ("[empty]", "bad_output")],
)
def test_what_is_no_film_is_not_stored(call: Caller, events: Events, directive: str, code: str):
    job_id = call.create(f"A fox {directive}")
    carry_out(job_id)
    assert told(events, job_id)["data"]["error"]["code"] == code


def test_a_film_that_breaks_off_is_fetched_again_before_the_job_fails(
    call: Caller,
    jobs: JobTable,
    as_wired: Clients,
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
):
    job_id = call.create("A fox [truncate]")
    event = step_until(submit, start(job_id), "submitted")
    event = step_until(poll, event, "succeeded")
    assert run(collect, event)["status"] == "pending"
    for _ in range(5):
        assert run(collect, event)["status"] == "pending"
    monkeypatch.setattr("rushes.workflow.collect.PATIENCE_SECONDS", 0.0)
    assert run(collect, event)["status"] == "ending"
    job = jobs.get("demo", job_id)
    assert job
    assert job.outcome
    assert job.outcome.error
    assert (job.outcome.error.code, job.collections) == ("output_interrupted", 7)
    listed = as_wired("s3").list_objects_v2(
        Bucket=stack.outputs["BucketName"], Prefix=f"outputs/demo/{job_id}/"
    )
    assert listed["KeyCount"] == 0


def test_a_remix_reworks_the_film_of_the_first_job(call: Caller, stack: Stack):
    source = call.create("A fox in the snow")
    carry_out(source)
    told = call.json("POST", f"/openai/v1/videos/{source}/remix", {"prompt": "Make it dusk"})
    assert told["remixed_from_video_id"] == source
    assert carry_out(told["id"])["status"] == "completed"
    creates = [
        create
        for create in httpx.get(f"{stack.sandbox_url}/_ledger").json()["creates"]
        if "Make it dusk" in json.dumps(create)
    ]
    assert len(creates) == 1


def test_a_picture_that_came_along_reaches_the_provider(call: Caller):
    reference = {"image_url": f"data:image/png;base64,{PIXEL}"}
    assert carry_out(call.create("A fox", input_reference=reference))["status"] == "completed"


def test_a_deleted_jobs_film_is_gone(call: Caller):
    job_id = call.create("A fox in the snow")
    carry_out(job_id)
    link = call("GET", f"/openai/v1/videos/{job_id}/content")["headers"]["location"]
    assert call.json("DELETE", f"/openai/v1/videos/{job_id}")["deleted"] is True
    assert call("GET", f"/openai/v1/videos/{job_id}")["statusCode"] == 404
    assert httpx.get(link).status_code == 404


def test_a_job_that_was_deleted_while_it_ran_is_cancelled_at_the_provider(
    call: Caller, jobs: JobTable, events: Events
):
    job_id = call.create("A fox [slow=30]")
    event = step_until(submit, start(job_id), "submitted")
    call.json("DELETE", f"/openai/v1/videos/{job_id}")
    event = step_until(poll, event, "ending")
    run(finish, {**event, "execution": f"{job_id}-r2"})
    event = told(events, job_id)
    assert (event["type"], event["data"]["upstream_cancelled"]) == ("job.cancelled", "yes")
    job = jobs.get("demo", job_id)
    assert job
    assert "the provider was told to stop" in job.warnings


def test_a_deleted_running_job_is_answered_within_three_seconds_or_so(call: Caller):
    job_id = call.create("A fox [slow=30]")
    step_until(submit, start(job_id), "submitted")
    begun = time.monotonic()
    answer = call("DELETE", f"/openai/v1/videos/{job_id}")
    assert 2.5 < time.monotonic() - begun < 6
    assert answer["headers"]["rushes-upstream-cancelled"] == "pending"


def test_a_call_that_comes_twice_makes_one_job(call: Caller):
    named = Caller(call.key, {"idempotency-key": f"order-{time.time_ns()}"})
    body = {**SMALL, "prompt": "A fox in the snow"}
    first, again = (named("POST", "/openai/v1/videos", body) for _ in range(2))
    assert json.loads(again["body"]) == json.loads(first["body"])
    assert "idempotent-replayed" not in first["headers"]
    assert again["headers"]["idempotent-replayed"] == "true"
    other = named("POST", "/openai/v1/videos", {**body, "prompt": "A cat"})
    assert other["statusCode"] == 422


def test_an_account_that_has_spent_its_day_is_refused(
    call: Caller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DAILY_DOLLARS", "0.0001")
    forget()
    answer = call("POST", "/openai/v1/videos", {**SMALL, "prompt": "A fox"})
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (429, "3600")
    assert json.loads(answer["body"])["error"]["code"] == "budget_exceeded"


def test_another_account_sees_nothing_of_it(call: Caller, as_wired: Clients, table: str):
    job_id = call.create("A fox in the snow")
    key, record = create_api_key("other", time.time())
    KeyTable(as_wired("dynamodb"), table).add(record)
    other_account = Caller(key)
    assert other_account("GET", f"/openai/v1/videos/{job_id}")["statusCode"] == 404
    assert other_account.json("GET", "/openai/v1/videos")["data"] == []
    assert Caller("rk_wrong")("GET", f"/openai/v1/videos/{job_id}")["statusCode"] == 401


def test_every_route_is_answered_in_its_dialect(call: Caller):
    """Also one that nobody has, and a body that is none."""
    nowhere = call("GET", "/nowhere")
    assert nowhere["statusCode"] == 404
    assert json.loads(nowhere["body"])["error"]["code"] == "unknown_url"
    assert nowhere["headers"]["x-request-id"] == "Jxk2cgfSoAMEVxw="
    wrong = call("POST", "/openai/v1/videos", {"prompt": "A fox", "model": "none"})
    assert json.loads(wrong["body"])["error"]["code"] == "model_not_found"


def test_the_sweeper_starts_a_job_that_was_stored_and_never_started(
    jobs: JobTable, as_wired: Clients, idle_machine: str, call: Caller
):
    started = call.create("A fox in the snow")
    orphan = jobs.get("demo", started)
    assert orphan
    forgotten_at = time.time() - 120
    jobs.add(orphan.model_copy(update={"id": f"{started}x", "updated_at": forgotten_at}))
    assert run(sweep, {})["repaired"] >= 1
    execution = f"{idle_machine.replace(':stateMachine:', ':execution:')}:{started}x"
    states = as_wired("stepfunctions")
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    before = execution_of(jobs, f"{started}x")
    run(sweep, {})
    assert execution_of(jobs, f"{started}x") == before


def test_the_sweeper_starts_a_job_again_whose_execution_is_gone(
    jobs: JobTable, as_wired: Clients, idle_machine: str, call: Caller
):
    started = call.create("A fox in the snow")
    job = jobs.get("demo", started)
    assert job
    left_behind = f"{started}y"
    jobs.add(job.model_copy(update={"id": left_behind, "updated_at": time.time() - 120}))
    run(sweep, {})
    states = as_wired("stepfunctions")
    execution = f"{idle_machine.replace(':stateMachine:', ':execution:')}:{left_behind}"
    states.stop_execution(executionArn=execution)
    run(sweep, {})
    assert execution_of(jobs, left_behind) == f"{left_behind}-r2"
    assert states.describe_execution(executionArn=f"{execution}-r2")["status"] == "RUNNING"
    assert carry_out(left_behind)["status"] == "completed"


def test_an_ending_that_was_not_announced_is_announced_by_the_sweeper(
    call: Caller, jobs: JobTable, events: Events
):
    done = call.create("A fox in the snow")
    carry_out(done)
    known = told(events, done)
    job, untold = jobs.get("demo", done), f"{done}z"
    assert job
    event = {**known, "id": f"evt_{untold}", "data": {**known["data"], "id": untold}}
    jobs.add(job.model_copy(update={"id": untold, "outbox": (event,)}))
    assert run(sweep, {})["repaired"] >= 1
    assert told(events, untold) == event
    swept = jobs.get("demo", untold)
    assert swept
    assert (swept.outbox, swept.next_check_at) == ((), None)


def execution_of(jobs: JobTable, job_id: str) -> str:
    job = jobs.get("demo", job_id)
    assert job
    return job.execution_name


def test_a_provider_without_an_address_is_told_by_name(call: Caller, events: Events):
    job_id = call.create("A fox", model="vllm/wan-2.2-t2v", size="832x480", seconds=5)
    assert run(submit, start(job_id))["status"] == "ending"
    run(finish, {**start(job_id), "execution": job_id})
    error = told(events, job_id)["data"]["error"]
    assert error["code"] == "provider_not_configured"
    assert "vllm" in error["message"]


def test_a_job_that_is_not_there_has_nothing_to_do():
    for function in (submit, poll, collect):
        answer = run(function, start("job_absent"))
        assert answer == {**start("job_absent"), "status": "ending", "wait_seconds": 0}


def test_what_a_step_is_given_beside_the_ids_it_hands_on(call: Caller):
    """An execution may outlive the code that started it."""
    job_id = call.create("A fox [refuse]")
    assert run(submit, {**start(job_id), "later": 1})["later"] == 1


def test_an_unfinished_job_is_ended_by_what_broke_its_execution(
    call: Caller, jobs: JobTable, events: Events
):
    job_id = call.create("A fox in the snow")
    broken = {**start(job_id), "execution": job_id, "cause": "Lambda.Unknown"}
    run(finish, broken)
    error = told(events, job_id)["data"]["error"]
    assert error["code"] == "internal_error"
    assert "Lambda.Unknown" in error["message"]
    job = jobs.get("demo", job_id)
    assert isinstance(job, Job)
    assert job.is_finished
