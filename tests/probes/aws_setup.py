"""What probes stand on: clients of the engine, and things to ask about, each with its own name."""

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
PATIENCE = 25.0
"""Seconds after which what was waited for does not come."""


class Never(Exception):
    """What was waited for did not come."""


def until(found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first thing that `found` finds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if it := found():
            return it
        time.sleep(0.1)
    raise Never


class Ground:
    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._clients: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        """The client of a service, by the name that boto3 has for it."""
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
        """Keyed by `pk`, with an index over `friend`."""
        name = self.name()
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": it, "AttributeType": "S"} for it in ("pk", "friend")
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
        return name

    def function(self, source: str, **settings: Any) -> str:
        """A function of Python source with a `handler`; gives its name."""
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

    def machine(self, states: dict[str, Any], **settings: Any) -> str:
        """A machine that starts with the first of the states."""
        definition = {"StartAt": next(iter(states)), "States": states, **settings}
        made = self.stepfunctions.create_state_machine(
            name=self.name(), definition=json.dumps(definition), roleArn=self.role
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, **settings: Any) -> str:
        started = self.stepfunctions.start_execution(stateMachineArn=machine, **settings)
        return str(started["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """An execution's description once it runs no more."""

        def found() -> dict[str, Any] | None:
            told: dict[str, Any] = self.stepfunctions.describe_execution(executionArn=execution)
            return told if told["status"] != "RUNNING" else None

        ended: dict[str, Any] = until(found)
        return ended

    def queue(self, name: str = "", **attributes: str) -> str:
        """A queue's address."""
        made = self.sqs.create_queue(QueueName=name or self.name(), Attributes=attributes)
        return str(made["QueueUrl"])

    def arn(self, queue: str) -> str:
        told = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return str(told["Attributes"]["QueueArn"])

    def redriven(self, tries: int, dead: str) -> str:
        """The attribute of a queue that gives up on a message after so many tries."""
        return json.dumps({"maxReceiveCount": tries, "deadLetterTargetArn": self.arn(dead)})

    def receive(self, queue: str, seconds: float = 0) -> list[dict[str, Any]]:
        """Messages that come within so many seconds, as soon as there are any."""
        deadline = time.monotonic() + seconds
        while True:
            found: list[dict[str, Any]] = self.sqs.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"]
            ).get("Messages", [])
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def arriving(self, queue: str, seconds: float) -> Iterator[str]:
        """The bodies of all messages that come within so many seconds, in turn."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for message in self.receive(queue, left):
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
