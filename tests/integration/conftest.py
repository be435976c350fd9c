import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local.stack import Stack
from rushes.aws.s3 import Bucket
from rushes.wiring.aws import RETRIES, s3_config
from tests.integration.sandbox_client import BEARER, running_sandbox
from tests.stack import aws, client, events, stack

__all__ = ["aws", "client", "events", "stack"]

LIMIT = 40 * 1024 * 1024
"""Maximum bytes of an output in the tests' bucket: more than two parts of a multipart upload."""


@pytest.fixture(scope="session")
def as_wired(stack: Stack) -> Callable[[str], Any]:
    """Make boto3 clients with the configuration of the functions."""
    session: Any = stack.session()

    def make(service: str) -> Any:
        config = s3_config(local_mode=True) if service == "s3" else RETRIES
        return session.client(service, endpoint_url=stack.engine_url, config=config)

    return make


@pytest.fixture
def bucket(stack: Stack, as_wired: Callable[[str], Any]) -> Bucket:
    return Bucket(as_wired("s3"), stack.outputs["BucketName"], LIMIT)


@pytest.fixture(scope="session")
def table(stack: Stack, as_wired: Callable[[str], Any]) -> Iterator[str]:
    """A copy of the stack's table that its functions do not use."""
    dynamodb = as_wired("dynamodb")
    original = dynamodb.describe_table(TableName=stack.outputs["TableName"])["Table"]
    copied = ("IndexName", "KeySchema", "Projection")
    dynamodb.create_table(
        TableName="ports",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=original["AttributeDefinitions"],
        KeySchema=original["KeySchema"],
        GlobalSecondaryIndexes=[
            {name: index[name] for name in copied} for index in original["GlobalSecondaryIndexes"]
        ],
    )
    yield "ports"
    dynamodb.delete_table(TableName="ports")


@pytest.fixture(scope="session")
def idle_machine(stack: Stack, as_wired: Callable[[str], Any]) -> Iterator[str]:
    """A state machine whose executions only wait: the tests call the tasks themselves."""
    states, stack_arn = as_wired("stepfunctions"), stack.outputs["StateMachineArn"]
    waiting = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 900, "End": True}}}
    arn = states.create_state_machine(
        name="idle",
        definition=json.dumps(waiting),
        roleArn=states.describe_state_machine(stateMachineArn=stack_arn)["roleArn"],
    )["stateMachineArn"]
    yield arn
    states.delete_state_machine(stateMachineArn=arn)


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as (url, _):
        yield url


@pytest.fixture(scope="module")
def http(sandbox_url: str) -> Iterator[httpx.Client]:
    """Client of the sandbox's OpenAI protocol."""
    with httpx.Client(base_url=f"{sandbox_url}/v1", headers=BEARER, timeout=60) as client:
        yield client
