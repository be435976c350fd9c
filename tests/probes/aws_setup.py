"""Clients of the engine, and the resources that probes create, each with its own name."""

import io
import json
import secrets
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from botocore.config import Config

DIRECT = Config(
    retries={"total_max_attempts": 1},
    inject_host_prefix=False,
    max_pool_connections=32,
    signature_version="v4",
)
S3 = DIRECT.merge(
    Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
    )
)
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SERVICES = ["lambda.amazonaws.com", "states.amazonaws.com", "events.amazonaws.com"]
ECHO = "def handler(event, context):\n    return event\n"
RAISING = "class Refused(Exception): pass\ndef handler(event, context):\n    raise Refused('no')\n"
LIMIT = 60.0
"""Time limit in seconds for an expected result."""


class NotSeen(Exception):
    """The expected result did not appear within the time limit."""


def until(found: Callable[[], Any], seconds: float = LIMIT) -> Any:
    """Return the first true value of `found`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.1)
    raise NotSeen


class AwsSetup:
    """`front_url` is the URL of the HTTP API."""

    def __init__(self, make: Callable[..., Any], front_url: str) -> None:
        self._make = make
        self.front_url = front_url
        self._clients: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        """Return the boto3 client of a service; `functions` is Lambda."""
        if service.startswith("_"):
            raise AttributeError(service)
        if service not in self._clients:
            name = "lambda" if service == "functions" else service
            self._clients[service] = self._make(name, config=S3 if name == "s3" else DIRECT)
        return self._clients[service]

    @staticmethod
    def name() -> str:
        return f"probe-{secrets.token_hex(6)}"

    @cached_property
    def role(self) -> str:
        name = self.name()
        trust = {"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sts:AssumeRole"}
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        self.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy(ANYTHING))
        return str(made["Role"]["Arn"])

    @cached_property
    def bucket(self) -> str:
        name = self.name()
        self.s3.create_bucket(Bucket=name)
        return name

    @cached_property
    def table(self) -> str:
        """A table with the key `pk` and an index over `friend`."""
        table = self.name()
        self.dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "friend")
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_friend",
                    "KeySchema": [{"AttributeName": "friend", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
        return table

    def function(self, source: str, **settings: Any) -> str:
        """Create a function from Python source with a `handler`; return its name."""
        name, archive = self.name(), io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            files.writestr("app.py", source)
        self.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
            **{"Role": self.role, "Timeout": 10, **settings},
        )
        self.functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    def throttled(self, source: str) -> str:
        """Create a function that may not run at all."""
        name = self.function(source)
        self.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        return name

    def invoke_by(self, queue: str, function: str, **settings: Any) -> None:
        """Create an event source mapping from the queue to the function."""
        self.functions.create_event_source_mapping(
            EventSourceArn=self.arn(queue), FunctionName=function, **settings
        )

    def machine(self, states: dict[str, Any], **settings: Any) -> str:
        """Create a state machine that starts with the first state."""
        definition = {"StartAt": next(iter(states)), "States": states, **settings}
        made = self.stepfunctions.create_state_machine(
            name=self.name(), definition=json.dumps(definition), roleArn=self.role
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, **settings: Any) -> str:
        started = self.stepfunctions.start_execution(stateMachineArn=machine, **settings)
        return str(started["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """Wait for the end of an execution; return its description."""

        def found() -> dict[str, Any] | None:
            result: dict[str, Any] = self.stepfunctions.describe_execution(executionArn=execution)
            return result if result["status"] != "RUNNING" else None

        ended: dict[str, Any] = until(found)
        return ended

    def queue(self, suffix: str = "", **attributes: str) -> str:
        """Create a queue; return its URL."""
        made = self.sqs.create_queue(QueueName=self.name() + suffix, Attributes=attributes)
        return str(made["QueueUrl"])

    def fifo(self, **attributes: str) -> str:
        return self.queue(".fifo", FifoQueue="true", **attributes)

    def arn(self, queue: str) -> str:
        result = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return str(result["Attributes"]["QueueArn"])

    def redriven(self, tries: int, dead: str) -> str:
        """Return a redrive policy."""
        return json.dumps({"maxReceiveCount": tries, "deadLetterTargetArn": self.arn(dead)})

    def receive(self, queue: str, seconds: float = 0) -> list[dict[str, Any]]:
        """Return the first messages that arrive within the time limit."""
        deadline = time.monotonic() + seconds
        while True:
            found: list[dict[str, Any]] = self.sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"]
            ).get("Messages", [])
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def arriving(self, queue: str, seconds: float) -> Iterator[str]:
        """Yield the body of each message that arrives within the time limit."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for message in self.receive(queue, left):
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
