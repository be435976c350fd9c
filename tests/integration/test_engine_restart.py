"""A persistent stack: writes survive SIGTERM and SIGKILL, interrupted executions are reported."""

import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from rushes.jobs.result import Artifact
from tests.chaos.records import Files
from tests.harness import Harness
from tests.waiting import wait_for

SIGNALS = (signal.SIGTERM, signal.SIGKILL)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "state", keep=True) as running:
        yield running


@pytest.fixture
def service(stack: Stack) -> Callable[[str], Any]:
    make: Any = stack.session().client
    return lambda name: make(name, endpoint_url=stack.engine_url)


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "row"}, **more}


def queue_on(
    service: Callable[[str], Any], name: str, pattern: dict[str, Any], bus: str
) -> Callable[[dict[str, str]], list[dict[str, Any]]]:
    """Return a function that waits until a new queue has received a matching event of the bus."""
    sqs, events = service("sqs"), service("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["QueueArn"]}
    events.put_targets(Rule=name, EventBusName=bus, Targets=[target])

    def poll() -> list[dict[str, Any]]:
        reply = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in reply.get("Messages", [])]

    def receive(details: dict[str, str]) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []

        def arrived() -> bool:
            messages.extend(poll())
            return any(details.items() <= message["detail"].items() for message in messages)

        wait_for(arrived)
        return messages + poll()

    return receive


def save(stack: Stack) -> None:
    """Save the state with the new queue and its rule, as after a deployment."""
    assert httpx.post(f"{stack.engine_url}/_local/save", trust_env=False).is_success


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_acknowledged_writes_survive_engine_end(
    stack: Stack, service: Callable[[str], Any], number: signal.Signals
):
    table, bucket = stack.outputs["TableName"], stack.outputs["BucketName"]
    dynamodb, name = service("dynamodb"), number.name
    dynamodb.put_item(TableName=table, Item=row(f"{name}-gone"))
    dynamodb.delete_item(TableName=table, Key=row(f"{name}-gone"))
    dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": table, "Item": row(f"{name}-1", count={"N": "1"})}}]
    )
    dynamodb.update_item(
        TableName=table,
        Key=row(f"{name}-1"),
        UpdateExpression="ADD #count :one",
        ExpressionAttributeNames={"#count": "count"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    service("s3").put_object(Bucket=bucket, Key=f"outputs/{name}", Body=b"video")

    stack.restart_engine(number)

    read = dynamodb.get_item(TableName=table, Key=row(f"{name}-1"), ConsistentRead=True)["Item"]
    assert read == row(f"{name}-1", count={"N": "2"})
    assert "Item" not in dynamodb.get_item(TableName=table, Key=row(f"{name}-gone"))
    stored = service("s3").get_object(Bucket=bucket, Key=f"outputs/{name}")["Body"].read()
    assert stored == b"video"


def test_event_accepted_by_bus_arrives_after_kill(stack: Stack, service: Callable[[str], Any]):
    """The event may arrive twice, as on AWS."""
    bus = stack.outputs["BusName"]
    receive = queue_on(service, "taken", {"source": ["test"]}, bus)
    save(stack)
    event = {"EventBusName": bus, "Source": "test", "DetailType": "x", "Detail": '{"id": "evt_1"}'}
    assert service("events").put_events(Entries=[event])["FailedEntryCount"] == 0
    stack.restart_engine(signal.SIGKILL)
    assert {event["detail"]["id"] for event in receive({"id": "evt_1"})} == {"evt_1"}


def test_interrupted_execution_emits_status_event(stack: Stack, service: Callable[[str], Any]):
    """An execution started after the last save is unknown after the restart."""
    states, theirs = service("stepfunctions"), stack.outputs["StateMachineArn"]
    wait = {"Type": "Wait", "Seconds": 900, "End": True}
    definition = {"StartAt": "Wait", "States": {"Wait": wait}}
    role = states.describe_state_machine(stateMachineArn=theirs)["roleArn"]
    machine = states.create_state_machine(
        name="waits", definition=json.dumps(definition), roleArn=role
    )["stateMachineArn"]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    receive = queue_on(service, "interrupted", pattern, "default")
    saved = states.start_execution(stateMachineArn=machine, name="saved")["executionArn"]
    save(stack)
    unsaved = states.start_execution(stateMachineArn=machine, name="unsaved")["executionArn"]
    stack.restart_engine(signal.SIGKILL)
    assert states.describe_execution(executionArn=saved)["status"] == "FAILED"
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.describe_execution(executionArn=unsaved)
    received = receive({"name": "saved", "status": "FAILED"})
    statuses = [(event["detail"]["name"], event["detail"]["status"]) for event in received]
    assert ("unsaved", "FAILED") not in statuses


def test_chaos_files_are_compared_with_job_records(stack: Stack, service: Callable[[str], Any]):
    content = b"\x00\x00\x00\x18ftypmp42"
    service("s3").put_object(Bucket=stack.outputs["BucketName"], Key="outputs/a", Body=content)
    files, job = Files(stack), Harness().accepted()

    def problems(**fields: Any) -> list[str]:
        whole = {"key": "outputs/a", "content_type": "video/mp4", "size": len(content)}
        digest = "6f1a8e2d"
        artifact = Artifact.model_validate({**whole, "sha256": digest, **fields})
        return files.problems(job.model_copy(update={"artifacts": (artifact,)}))

    assert problems(sha256=hashlib.sha256(content).hexdigest()) == []
    for [problem], text in (
        (problems(), "SHA-256"),
        (problems(size=3), "12 bytes"),
        (problems(key="outputs/b"), "outputs/b"),
        (files.problems(job), "no file"),
    ):
        assert text in problem


def test_stack_with_a_large_state_starts_after_a_kill(tmp_path: Path):
    """`make up` after SIGKILL with 66 MB in the table: its first start succeeds."""
    size, rows = 300_000, 220
    with Stack(tmp_path / "state", keep=True) as before:
        dynamodb: Any = before.session().client("dynamodb", endpoint_url=before.engine_url)
        table = before.outputs["TableName"]
        for number in range(rows):
            dynamodb.put_item(TableName=table, Item=row(f"{number}", text={"S": "x" * size}))
        os.kill(before.engine_process_id, signal.SIGKILL)
    with Stack(tmp_path / "state", keep=True) as after:
        dynamodb = after.session().client("dynamodb", endpoint_url=after.engine_url)
        for number in (0, rows - 1):
            item = dynamodb.get_item(TableName=table, Key=row(f"{number}"))["Item"]
            assert len(item["text"]["S"]) == size
