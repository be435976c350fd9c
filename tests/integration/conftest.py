import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.stack import Stack
from rushes import wiring
from rushes.aws.s3 import Bucket
from tests.stack import REGION, aws, client, events, stack

__all__ = ["aws", "client", "events", "stack"]

LIMIT = 40 * 1024 * 1024
"""The most bytes that the tests' bucket takes; more than two parts of a multipart upload."""


@pytest.fixture(scope="session")
def as_wired(stack: Stack) -> Callable[[str], Any]:
    """A boto3 client as wiring makes them: with its retries, its signatures and no checksums."""
    environment = stack.environment()
    session: Any = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )

    def make(service: str) -> Any:
        config = _s3() if service == "s3" else wiring.RETRIES
        return session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"], config=config)

    return make


def _s3() -> Config:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "settings", lambda: SimpleNamespace(local_mode=True))
        return wiring._s3()


@pytest.fixture
def bucket(stack: Stack, as_wired: Callable[[str], Any]) -> Bucket:
    return Bucket(as_wired("s3"), stack.outputs["BucketName"], LIMIT)


@pytest.fixture(scope="session")
def table(stack: Stack, as_wired: Callable[[str], Any]) -> Iterator[str]:
    """One like the stack's, which neither its functions nor its sweeper know of."""
    dynamodb = as_wired("dynamodb")
    like = dynamodb.describe_table(TableName=stack.outputs["TableName"])["Table"]
    wanted = ("IndexName", "KeySchema", "Projection")
    dynamodb.create_table(
        TableName="ports",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=like["AttributeDefinitions"],
        KeySchema=like["KeySchema"],
        GlobalSecondaryIndexes=[
            {name: index[name] for name in wanted} for index in like["GlobalSecondaryIndexes"]
        ],
    )
    yield "ports"
    dynamodb.delete_table(TableName="ports")


@pytest.fixture(scope="session")
def idle_machine(stack: Stack, as_wired: Callable[[str], Any]) -> Iterator[str]:
    """A state machine whose executions only wait: tests take a job's steps themselves."""
    states, theirs = as_wired("stepfunctions"), stack.outputs["StateMachineArn"]
    waiting = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 900, "End": True}}}
    arn = states.create_state_machine(
        name="idle",
        definition=json.dumps(waiting),
        roleArn=states.describe_state_machine(stateMachineArn=theirs)["roleArn"],
    )["stateMachineArn"]
    yield arn
    states.delete_state_machine(stateMachineArn=arn)
