"""A stack that keeps its state keeps it however its engine ends, and says what it broke off."""

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local.stack import Stack
from rushes.jobs.result import Artifact
from tests.chaos.records import Files
from tests.harness import Harness

ENDS = (signal.SIGTERM, signal.SIGKILL)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("kept") / "state", keep=True) as stack:
        yield stack


@pytest.fixture
def service(kept: Stack) -> Callable[[str], Any]:
    make: Any = kept.session().client
    return lambda name: make(name, endpoint_url=kept.engine_url)


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "kept"}, **more}


def queue_on(
    service: Callable[[str], Any], name: str, pattern: dict[str, Any], bus: str
) -> Callable[[], list[dict[str, Any]]]:
    """What comes to a new queue within five seconds, by a rule of that bus."""
    sqs, events = service("sqs"), service("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["QueueArn"]}
    events.put_targets(Rule=name, EventBusName=bus, Targets=[target])

    def receive() -> list[dict[str, Any]]:
        deadline, came = time.monotonic() + 5, []
        while time.monotonic() < deadline:
            reply = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
            came += [json.loads(it["Body"]) for it in reply.get("Messages", [])]
        return came

    return receive


def save(kept: Stack) -> None:
    """As after a deployment: from here on the new queue and its rule are kept."""
    assert httpx.post(f"{kept.engine_url}/_local/save", trust_env=False).is_success


@pytest.mark.parametrize("number", ENDS, ids=lambda it: it.name)
def test_answered_writes_are_there_after_the_engine_ended(
    kept: Stack, service: Callable[[str], Any], number: signal.Signals
):
    table, bucket = kept.outputs["TableName"], kept.outputs["BucketName"]
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
    service("s3").put_object(Bucket=bucket, Key=f"outputs/{name}", Body=b"film")

    kept.restart_engine(number)

    read = dynamodb.get_item(TableName=table, Key=row(f"{name}-1"), ConsistentRead=True)["Item"]
    assert read == row(f"{name}-1", count={"N": "2"})
    assert "Item" not in dynamodb.get_item(TableName=table, Key=row(f"{name}-gone"))
    stored = service("s3").get_object(Bucket=bucket, Key=f"outputs/{name}")["Body"].read()
    assert stored == b"film"


def test_an_event_that_the_bus_took_arrives_though_the_engine_was_killed(
    kept: Stack, service: Callable[[str], Any]
):
    """Perhaps twice, as on AWS."""
    bus = kept.outputs["BusName"]
    receive = queue_on(service, "taken", {"source": ["test"]}, bus)
    save(kept)
    event = {"EventBusName": bus, "Source": "test", "DetailType": "x", "Detail": '{"id": "evt_1"}'}
    assert service("events").put_events(Entries=[event])["FailedEntryCount"] == 0
    kept.restart_engine(signal.SIGKILL)
    assert {it["detail"]["id"] for it in receive()} == {"evt_1"}


def test_executions_that_a_restart_broke_off_are_told_of(
    kept: Stack, service: Callable[[str], Any]
):
    """With the event that AWS has for it; one that no save has seen is not known any more."""
    states, theirs = service("stepfunctions"), kept.outputs["StateMachineArn"]
    waiting = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 900, "End": True}}}
    role = states.describe_state_machine(stateMachineArn=theirs)["roleArn"]
    machine = states.create_state_machine(
        name="waits", definition=json.dumps(waiting), roleArn=role
    )["stateMachineArn"]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    receive = queue_on(service, "broken-off", pattern, "default")
    known = states.start_execution(stateMachineArn=machine, name="known")["executionArn"]
    save(kept)
    young = states.start_execution(stateMachineArn=machine, name="young")["executionArn"]
    kept.restart_engine(signal.SIGKILL)
    assert states.describe_execution(executionArn=known)["status"] == "FAILED"
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.describe_execution(executionArn=young)
    told = [(it["detail"]["name"], it["detail"]["status"]) for it in receive()]
    assert ("known", "FAILED") in told
    assert ("young", "FAILED") not in told


def test_files_are_compared_with_their_rows(kept: Stack, service: Callable[[str], Any]):
    """By what `make kill` reads them with."""
    content = b"\x00\x00\x00\x18ftypmp42"
    service("s3").put_object(Bucket=kept.outputs["BucketName"], Key="outputs/a", Body=content)
    files, job = Files(kept), Harness().accepted()

    def faults(**facts: Any) -> list[str]:
        whole = {"key": "outputs/a", "content_type": "video/mp4", "size": len(content)}
        digest = "6f1a8e2d"
        artifact = Artifact.model_validate({**whole, "sha256": digest, **facts})
        return files.faults(job.model_copy(update={"artifacts": (artifact,)}))

    assert faults(sha256=hashlib.sha256(content).hexdigest()) == []
    assert faults() == ["outputs/a is not what its row says"]
    assert faults(size=3) == ["outputs/a has 12 bytes, 3 by its row"]
    assert faults(key="outputs/b") == ["outputs/b is not in the bucket"]
    assert files.faults(job) == ["it has no file"]
