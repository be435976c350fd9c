"""All handlers in this process, with the real engine and the sandbox.

The state machine only waits: the tests call each task of a job and check its result.
"""

import base64
import hashlib
import json
import secrets
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
from rushes.api.key_hashing import create_api_key
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.jobs import JobTable
from rushes.jobs.content_type import sniff
from rushes.jobs.job import Job
from rushes.wiring import aws as aws_wiring
from tests.lambda_context import InvocationContext
from tests.stack import QUIET_SECONDS, REGION, Events
from tests.wiring_caches import clear_wiring

Clients = Callable[[str], Any]
Event = dict[str, Any]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
)
ROOT = Path(__file__).parents[2]
SMALL = {"model": "sora-2", "size": "128x72", "seconds": 1}
FIFO = {"FifoQueue": "true"}


@pytest.fixture(scope="session")
def queues(as_wired: Clients) -> dict[str, str]:
    """Queues that no function of the stack reads."""
    sqs = as_wired("sqs")
    kinds = {"EVENTS_QUEUE_URL": ("events", {}), "DELIVERIES_QUEUE_URL": ("deliveries.fifo", FIFO)}
    return {
        variable: sqs.create_queue(QueueName=f"handlers-{name}", Attributes=attributes)["QueueUrl"]
        for variable, (name, attributes) in kinds.items()
    }


@pytest.fixture(autouse=True)
def environment(
    stack: Stack,
    table: str,
    idle_machine: str,
    queues: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """The functions' environment, with empty caches before and after."""
    credentials = stack.environment()
    variables = {
        "TABLE_NAME": table,
        "BUCKET_NAME": stack.outputs["BucketName"],
        "PROVIDER_SECRETS": stack.outputs["ProviderSecrets"],
        "STATE_MACHINE_ARN": idle_machine,
        "BUS_NAME": stack.outputs["BusName"],
        **queues,
        "OUTPUT_DAYS": "30",
        "OUTPUT_BYTES": str(50 * 1024 * 1024),
        "LOCAL_MODE": "true",
        "AWS_REGION": REGION,
        **{name: value for name, value in credentials.items() if name.startswith("AWS_")},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws_wiring, "SESSION", boto3.session.Session())
    clear_wiring()
    yield
    clear_wiring()


@pytest.fixture
def jobs(as_wired: Clients, table: str) -> JobTable:
    return JobTable(as_wired("dynamodb"), table)


def run(function: ModuleType, event: Event) -> Event:
    answer: Event = function.lambda_handler(event, InvocationContext())
    json.dumps(answer)  # as Lambda does
    return answer


@dataclass
class Caller:
    """Calls the api function with API Gateway events."""

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
            "queryStringParameters": dict(part.split("=") for part in query.split("&") if part),
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
        parsed: Event = json.loads(answer["body"])
        return parsed

    def create(self, prompt: str, **fields: object) -> str:
        body = self.json("POST", "/openai/v1/videos", {**SMALL, "prompt": prompt, **fields})
        assert body["status"] == "queued"
        job_id: str = body["id"]
        return job_id


@pytest.fixture
def call(as_wired: Clients, table: str) -> Caller:
    key, record = create_api_key("demo", time.time())
    KeyTable(as_wired("dynamodb"), table).add(record)
    return Caller(key)


def step_until(function: ModuleType, event: Event, *statuses: str) -> Event:
    """Repeat a task as the state machine does, with short waits."""
    deadline = time.monotonic() + 60
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


def published(events: Events, job_id: str) -> Event:
    """Return the job's one distinct event on the bus."""
    (event,) = events.of(job_id)
    return event


def assert_finish_publishes_no_copy(events: Events, event: Event) -> None:
    """Repeat finish in both executions of a finished job."""
    job_id, copies = event["data"]["id"], events.copies(event["id"])
    for execution in (job_id, f"{job_id}-r2"):
        again = run(finish, {**start(job_id), "execution": execution})
        assert again["status"] == event["type"].removeprefix("job.")
    assert events.copies(event["id"], QUIET_SECONDS) == copies
    assert published(events, job_id) == event


def stored_job(jobs: JobTable, job_id: str) -> Job:
    job = jobs.get("demo", job_id)
    assert job
    return job


def add_copy(jobs: JobTable, job_id: str, **changes: object) -> None:
    jobs.add(stored_job(jobs, job_id).model_copy(update=changes))


def execution_arn(machine_arn: str, name: str) -> str:
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def carry_out(job_id: str, account: str = "demo") -> Event:
    """Run all tasks of a job; return the result of the last one."""
    event = step_until(submit, start(job_id, account), "submitted", "resubmit", "ending")
    if event["status"] == "resubmit":
        event = step_until(submit, event, "submitted", "ending")
    if event["status"] == "submitted":
        event = step_until(poll, event, "succeeded", "ending")
    if event["status"] == "succeeded":
        event = step_until(collect, event, "ending")
    return run(finish, {**event, "execution": job_id})


FUNCTIONS = {
    module.__name__.split(".")[1]: module
    for module in (api, submit, poll, collect, finish, notify, deliver, sweep)
}
CASES = sorted((ROOT / "events/invoke").glob("*/*.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_functions_handle_each_event_file(case: Path, call: Caller):
    event = json.loads(case.read_text())
    if "headers" in event:
        event["headers"]["authorization"] = f"Bearer {call.key}"
    if "job_id" in event:
        event["job_id"] = call.create("A fox in the snow")
    if case.parent.name in ("poll", "collect"):
        step_until(submit, start(event["job_id"]), "submitted")
    answer = run(FUNCTIONS[case.parent.name], event)
    assert answer.get("statusCode", 200) == 200, answer
    keys = {"statusCode", "status", "repaired", "queued", "deleted", "batchItemFailures"}
    assert keys & set(answer)
    assert not answer.get("batchItemFailures")


def test_job_produces_a_video_in_the_bucket(
    call: Caller, as_wired: Clients, idle_machine: str, events: Events
):
    job_id = call.create("A fox in the snow", seed=7)
    execution = execution_arn(idle_machine, job_id)
    begun = as_wired("stepfunctions").describe_execution(executionArn=execution)
    given = json.loads(begun["input"])
    assert given.pop("request_id")  # of the response to the create call
    assert given == start(job_id)

    ended = carry_out(job_id)
    assert ended == {"status": "completed"}
    event = published(events, job_id)
    data = event["data"]
    assert (event["type"], data["id"], data["cost"]) == ("job.completed", job_id, 0.1)

    shown = call.json("GET", f"/openai/v1/videos/{job_id}")
    assert (shown["status"], shown["progress"]) == ("completed", 100)
    content = call("GET", f"/openai/v1/videos/{job_id}/content")
    assert content["statusCode"] == 302
    video = httpx.get(content["headers"]["location"])
    assert video.headers["content-type"] == "video/mp4"
    assert sniff(video.content) == "video/mp4"
    (artifact,) = data["artifacts"]
    assert artifact["sha256"] == hashlib.sha256(video.content).hexdigest()
    assert artifact["size"] == len(video.content)

    assert_finish_publishes_no_copy(events, event)


def test_job_failed_by_the_provider_fails(call: Caller, events: Events):
    job_id = call.create("A fox [filter]")
    assert carry_out(job_id)["status"] == "failed"
    data = published(events, job_id)["data"]
    assert (data["error"]["code"], data["artifacts"]) == ("content_filtered", [])


def test_refused_job_is_not_polled(call: Caller, events: Events):
    job_id = call.create("A fox [refuse]")
    assert run(submit, start(job_id))["status"] == "ending"
    run(finish, {**start(job_id), "execution": job_id})
    assert published(events, job_id)["data"]["error"]["code"] == "content_filtered"


@pytest.mark.parametrize("directive", ["[html]", "[empty]"])
def test_output_that_is_not_a_video_fails_the_job(
    call: Caller, events: Events, directive: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rushes.workflow.collect.INVALID_WINDOW", 0.0)
    job_id = call.create(f"A fox {directive}")
    carry_out(job_id)
    assert published(events, job_id)["data"]["error"]["code"] == "bad_output"


def test_interrupted_download_is_retried_before_the_job_fails(
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
    monkeypatch.setattr("rushes.workflow.collect.RETRY_WINDOW", 0.0)
    assert run(collect, event)["status"] == "ending"
    job = stored_job(jobs, job_id)
    assert job.outcome
    assert job.outcome.error
    assert (job.outcome.error.code, job.collect_attempts) == ("output_interrupted", 7)
    listed = as_wired("s3").list_objects_v2(
        Bucket=stack.outputs["BucketName"], Prefix=f"outputs/demo/{job_id}/"
    )
    assert listed["KeyCount"] == 0


def test_remix_uses_the_video_of_its_source(call: Caller, stack: Stack):
    source = call.create("A fox in the snow")
    carry_out(source)
    remix = call.json("POST", f"/openai/v1/videos/{source}/remix", {"prompt": "Make it dusk"})
    assert remix["remixed_from_video_id"] == source
    assert carry_out(remix["id"])["status"] == "completed"
    creates = httpx.get(f"{stack.sandbox_url}/_request_log").json()["creates"]
    assert sum("Make it dusk" in json.dumps(create) for create in creates) == 1


def test_input_image_reaches_the_provider(call: Caller):
    reference = {"image_url": f"data:image/png;base64,{PIXEL}"}
    assert carry_out(call.create("A fox", input_reference=reference))["status"] == "completed"


def test_delete_removes_the_video(call: Caller):
    job_id = call.create("A fox in the snow")
    carry_out(job_id)
    link = call("GET", f"/openai/v1/videos/{job_id}/content")["headers"]["location"]
    assert call.json("DELETE", f"/openai/v1/videos/{job_id}")["deleted"] is True
    assert call("GET", f"/openai/v1/videos/{job_id}")["statusCode"] == 404
    assert httpx.get(link).status_code == 404


def test_delete_cancels_a_running_job_at_the_provider(call: Caller, jobs: JobTable, events: Events):
    job_id = call.create("A fox [slow=30]")
    event = step_until(submit, start(job_id), "submitted")
    call.json("DELETE", f"/openai/v1/videos/{job_id}")
    event = step_until(poll, event, "ending")
    run(finish, {**event, "execution": f"{job_id}-r2"})
    event = published(events, job_id)
    assert (event["type"], event["data"]["upstream_cancelled"]) == ("job.cancelled", "yes")
    assert "the provider cancelled the job" in stored_job(jobs, job_id).warnings
    assert_finish_publishes_no_copy(events, event)


def test_delete_of_a_running_job_waits_for_the_provider_a_few_seconds(call: Caller):
    job_id = call.create("A fox [slow=30]")
    step_until(submit, start(job_id), "submitted")
    begun = time.monotonic()
    answer = call("DELETE", f"/openai/v1/videos/{job_id}")
    assert 2.5 < time.monotonic() - begun < 25
    assert answer["headers"]["rushes-upstream-cancelled"] == "pending"


def test_repeated_call_with_a_key_makes_one_job(call: Caller):
    named = Caller(call.key, {"idempotency-key": f"order-{time.time_ns()}"})
    body = {**SMALL, "prompt": "A fox in the snow"}
    first, again = (named("POST", "/openai/v1/videos", body) for _ in range(2))
    assert json.loads(again["body"]) == json.loads(first["body"])
    assert "idempotent-replayed" not in first["headers"]
    assert again["headers"]["idempotent-replayed"] == "true"
    other = named("POST", "/openai/v1/videos", {**body, "prompt": "A cat"})
    assert other["statusCode"] == 422


def test_create_beyond_the_daily_budget_is_refused(call: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAILY_DOLLARS", "0.0001")
    clear_wiring()
    answer = call("POST", "/openai/v1/videos", {**SMALL, "prompt": "A fox"})
    assert answer["statusCode"] == 429
    assert 1 <= int(answer["headers"]["retry-after"]) <= 24 * 3600  # until midnight
    assert answer["headers"]["ratelimit-policy"] == '"daily_dollars";q=0;qu="cents";w=86400'
    assert json.loads(answer["body"])["error"]["code"] == "budget_exceeded"


def test_fallbacks_do_not_exceed_the_daily_budget(
    as_wired: Clients, table: str, monkeypatch: pytest.MonkeyPatch
):
    """Five jobs of a free model, each with a fallback of $0.50: one of them would be too many."""
    monkeypatch.setenv("DAILY_DOLLARS", "0.55")
    clear_wiring()
    account = f"budget-{secrets.token_hex(4)}"
    key, record = create_api_key(account, time.time())
    KeyTable(as_wired("dynamodb"), table).add(record)
    call = Caller(key)
    free = {
        "model": "vllm/wan-2.2-t2v",  # the local stack has no URL for this provider
        "prompt": "A fox",
        "seconds": 5,
        "size": "1280x720",
        "fallbacks": [{"provider": "sandbox", "model": "sandbox-1"}],
    }

    def dollars() -> float:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        row = as_wired("dynamodb").get_item(
            TableName=table,
            Key={"pk": {"S": f"SPENT#{account}#{day}"}, "sk": {"S": "spent"}},
            ConsistentRead=True,
        )["Item"]
        return float(row["dollars"]["N"])

    def refusals(count: int) -> None:
        for _ in range(count):
            answer = call("POST", "/v1/videos", free)
            assert (answer["statusCode"], answer["headers"]["x-should-retry"]) == (429, "false")
            assert json.loads(answer["body"])["error"]["code"] == "budget_exceeded"
        assert dollars() == 0.5

    failed = call.create("A fox [filter]", seconds=5)
    assert dollars() == 0.5
    refusals(2)
    assert carry_out(failed, account)["status"] == "failed"
    assert dollars() == 0.0

    job_id = call.json("POST", "/v1/videos", free)["id"].partition(":")[0]
    refusals(1)
    assert carry_out(job_id, account)["status"] == "completed"
    refusals(5)


def test_another_account_cannot_see_the_job(call: Caller, as_wired: Clients, table: str):
    job_id = call.create("A fox in the snow")
    key, record = create_api_key("other", time.time())
    KeyTable(as_wired("dynamodb"), table).add(record)
    other_account = Caller(key)
    assert other_account("GET", f"/openai/v1/videos/{job_id}")["statusCode"] == 404
    assert other_account.json("GET", "/openai/v1/videos")["data"] == []
    assert Caller("rk_wrong")("GET", f"/openai/v1/videos/{job_id}")["statusCode"] == 401


def test_errors_use_the_dialects_envelope(call: Caller):
    unknown = call("GET", "/nowhere")
    assert unknown["statusCode"] == 404
    assert json.loads(unknown["body"])["error"]["code"] == "unknown_url"
    assert unknown["headers"]["x-request-id"] == "Jxk2cgfSoAMEVxw="
    wrong = call("POST", "/openai/v1/videos", {"prompt": "A fox", "model": "none"})
    assert json.loads(wrong["body"])["error"]["code"] == "model_not_found"


def test_sweeper_starts_a_job_without_execution(
    jobs: JobTable, as_wired: Clients, idle_machine: str, call: Caller
):
    started = call.create("A fox in the snow")
    orphan = f"{started}x"
    add_copy(jobs, started, id=orphan, updated_at=time.time() - 120)
    assert run(sweep, {})["repaired"] >= 1
    execution = execution_arn(idle_machine, orphan)
    states = as_wired("stepfunctions")
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    before = stored_job(jobs, orphan).execution_name
    run(sweep, {})
    assert stored_job(jobs, orphan).execution_name == before


def test_sweeper_restarts_a_job_with_a_stopped_execution(
    jobs: JobTable, as_wired: Clients, idle_machine: str, call: Caller
):
    started = call.create("A fox in the snow")
    left_behind = f"{started}y"
    add_copy(jobs, started, id=left_behind, updated_at=time.time() - 120)
    run(sweep, {})
    states = as_wired("stepfunctions")
    execution = execution_arn(idle_machine, left_behind)
    states.stop_execution(executionArn=execution)
    run(sweep, {})
    assert stored_job(jobs, left_behind).execution_name == f"{left_behind}-r2"
    assert states.describe_execution(executionArn=f"{execution}-r2")["status"] == "RUNNING"
    assert carry_out(left_behind)["status"] == "completed"


def test_sweeper_publishes_an_unpublished_event(call: Caller, jobs: JobTable, events: Events):
    done = call.create("A fox in the snow")
    carry_out(done)
    known = published(events, done)
    unpublished = f"{done}z"
    event = {**known, "id": f"evt_{unpublished}", "data": {**known["data"], "id": unpublished}}
    add_copy(jobs, done, id=unpublished, outbox=(event,))
    assert run(sweep, {})["repaired"] >= 1
    assert published(events, unpublished) == event
    swept = stored_job(jobs, unpublished)
    assert (swept.outbox, swept.next_check_at) == ((), None)


def test_provider_without_base_url_fails_the_job_by_name(call: Caller, events: Events):
    job_id = call.create("A fox", model="vllm/wan-2.2-t2v", size="832x480", seconds=5)
    assert run(submit, start(job_id))["status"] == "ending"
    run(finish, {**start(job_id), "execution": job_id})
    error = published(events, job_id)["data"]["error"]
    assert error["code"] == "provider_not_configured"
    assert "vllm" in error["message"]


def test_tasks_of_an_unknown_job_end():
    for function in (submit, poll, collect):
        answer = run(function, start("job_absent"))
        assert answer == {**start("job_absent"), "status": "ending", "wait_seconds": 0}


def test_tasks_pass_on_unknown_fields(call: Caller):
    """An execution may outlive the code that started it."""
    job_id = call.create("A fox [refuse]")
    assert run(submit, {**start(job_id), "later": 1})["later"] == 1


def test_finish_keeps_the_job_open_and_stores_the_cause_for_the_operator(
    call: Caller, jobs: JobTable, events: Events
):
    job_id = call.create("A fox in the snow")
    broken = {**start(job_id), "execution": job_id, "cause": "Lambda.Unknown"}
    assert run(finish, broken) == {"status": "left"}
    waiting = stored_job(jobs, job_id).waiting
    assert waiting
    assert waiting.error.code == "internal_error"
    assert "Lambda.Unknown" not in waiting.error.message  # it is for the operator
    assert "Lambda.Unknown" in (waiting.detail or "")
    assert carry_out(job_id) == {"status": "completed"}
    assert published(events, job_id)["type"] == "job.completed"
