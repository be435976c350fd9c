"""The stack's table, bucket, event bus and state machine, by moto in this process."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.backends import get_backend

from local.packaging import ROOT, read_template
from rushes.aws.dynamodb.job_items import read_job
from tests.faults.moto_speed import speed_up

REGION = "us-east-1"
ACCOUNT = "123456789012"
"""moto's account id."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "TABLE_NAME": "faults",
    "BUCKET_NAME": "faults",
    "BUS_NAME": "faults",
    "EVENTS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "DELIVERIES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/deliveries",
    "PROVIDER_SECRETS": "faults/providers",
    "OUTPUT_DAYS": "30",
    "OUTPUT_BYTES": str(1024 * 1024),
    "LOCAL_MODE": "true",
    "PUBLIC_URL": "https://rushes.example",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:faults",
}


class MotoStack:
    def __init__(self) -> None:
        self._mock = mock_aws()
        self._mock.start()
        self._patch = pytest.MonkeyPatch()
        speed_up(self._patch)
        session: Any = boto3.session.Session()
        self._clients = {
            name: session.client(name) for name in ("dynamodb", "s3", "events", "stepfunctions")
        }

    def client(self, service: str) -> Any:
        """Return a client without faults."""
        return self._clients[service]

    def stop(self) -> None:
        self._patch.undo()
        self._mock.stop()

    def reset(self) -> None:
        """Delete everything and create the empty stack."""
        self._mock.reset()
        table = read_template(ROOT / "template.yaml")["Resources"]["Table"]["Properties"]
        wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        name = ENVIRONMENT["TABLE_NAME"]
        self._clients["dynamodb"].create_table(
            TableName=name, **{key: table[key] for key in wanted}
        )
        self._clients["s3"].create_bucket(Bucket=ENVIRONMENT["BUCKET_NAME"])
        self._clients["events"].create_event_bus(Name=ENVIRONMENT["BUS_NAME"])
        self._clients["stepfunctions"].create_state_machine(
            name="faults",
            definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/faults",
        )

    def documents(self) -> dict[str, str]:
        """Return the stored document of every job, by table key."""
        rows = {key: _item(row) for key, row in self._rows().items()}
        return {
            key: read_job(row, rows.get(f"{row['pk']['S']} request")).model_dump_json()
            for key, row in rows.items()
            if row["sk"]["S"] == "job"
        }

    def is_waiting(self) -> bool:
        """Whether an item is due for a sweep."""
        return any("open_pk" in row for row in self._rows().values())

    @staticmethod
    def _rows() -> dict[str, Any]:
        tables = get_backend("dynamodb")[ACCOUNT][REGION].tables
        rows = tables[ENVIRONMENT["TABLE_NAME"]].all_items()
        return {f"{row.attrs['pk'].value} {row.attrs['sk'].value}": row.attrs for row in rows}

    def objects(self) -> dict[str, bytes]:
        bucket = get_backend("s3")[ACCOUNT]["aws"].buckets[ENVIRONMENT["BUCKET_NAME"]]
        return {key: item.value for key, item in bucket.keys.items()}

    @staticmethod
    def s3_urls() -> Any:
        return get_backend("s3")[ACCOUNT]["aws"].urls

    def set_execution_status(self, name: str, status: str) -> None:
        for execution in self._executions():
            if execution.name == name:
                execution.status = status

    def _executions(self) -> Iterator[Any]:
        states = get_backend("stepfunctions")[ACCOUNT][REGION]
        for machine in states.state_machines:
            yield from machine.executions


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {attribute.type: attribute.value} for name, attribute in row.items()}
