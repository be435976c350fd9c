"""Units of requests to moto's DynamoDB."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bench.dynamodb_units import Index, Item
from bench.unit_meter import TABLE, UnitMeter

DUE = Index("due", ("due_pk", "due_at"), frozenset({"pk", "sk", "due_pk", "due_at"}))
NAMES = ("pk", "sk", "due_pk", "due_at")
JOB = {"pk": {"S": "JOB#1"}, "sk": {"S": "job"}}


class Table:
    """A metered table with one index."""

    def __init__(self) -> None:
        make: Any = boto3.Session("id", "secret", region_name="us-east-1").client
        plain, self.client = make("dynamodb"), make("dynamodb")
        definitions = [
            {"AttributeName": name, "AttributeType": "N" if name == "due_at" else "S"}
            for name in NAMES
        ]
        plain.create_table(
            TableName="jobs",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=definitions,
            KeySchema=schema("pk", "sk"),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "due",
                    "KeySchema": schema("due_pk", "due_at"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        self.plain = plain
        self.meter = UnitMeter(self.read, [DUE])
        self.meter.attach(self.client)

    def read(self, key: Item) -> Item | None:
        item: Item | None = self.plain.get_item(TableName="jobs", Key=key).get("Item")
        return item

    def put(self, characters: int = 0, due_at: int | None = None, **request: Any) -> None:
        item = {**JOB, "document": {"S": "x" * characters}}
        if due_at is not None:
            item |= {"due_pk": {"S": "open#1"}, "due_at": {"N": str(due_at)}}
        self.client.put_item(TableName="jobs", Item=item, **request)

    def units(self) -> dict[str, int]:
        """Return the units of the table and the index since the last call."""
        found = {name: self.meter.units(name) for name in (TABLE, "due")}
        self.meter.clear()
        return found


def schema(*names: str) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=True)
    ]


@pytest.fixture
def table() -> Iterator[Table]:
    with mock_aws():
        yield Table()


def test_put_of_a_new_a_larger_and_a_moved_item(table: Table):
    table.put(2000, due_at=1)
    assert table.units() == {TABLE: 2, "due": 1}
    table.put(5000, due_at=1)
    assert table.units() == {TABLE: 5, "due": 0}
    table.put(5000, due_at=2)
    assert table.units() == {TABLE: 5, "due": 2}
    table.put(100)
    assert table.units() == {TABLE: 5, "due": 1}


def test_update_costs_the_whole_item(table: Table):
    table.put(3000, due_at=1)
    table.units()
    table.client.update_item(
        TableName="jobs",
        Key=JOB,
        UpdateExpression="SET due_at = :at",
        ExpressionAttributeValues={":at": {"N": "7"}},
    )
    assert table.units() == {TABLE: 3, "due": 2}


def test_refused_write_costs_the_table_only(table: Table):
    table.put(100, due_at=1)
    table.units()
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.put(4000, due_at=2, ConditionExpression="attribute_not_exists(pk)")
    assert table.units() == {TABLE: 4, "due": 0}


def test_transaction_costs_twice_in_the_table(table: Table):
    other = {"pk": {"S": "COUNTER#1"}, "sk": {"S": "counter"}}
    update = {
        "TableName": "jobs",
        "Key": other,
        "UpdateExpression": "ADD calls :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    item = {**JOB, "due_pk": {"S": "open#1"}, "due_at": {"N": "1"}, "a": {"S": "x" * 1500}}
    table.client.transact_write_items(
        TransactItems=[{"Put": {"TableName": "jobs", "Item": item}}, {"Update": update}]
    )
    assert table.meter.writes == {
        (TABLE, "JOB#1"): 4,
        (TABLE, "COUNTER#1"): 2,
        ("due", "open#1"): 1,
    }


def test_delete_costs_the_item_and_its_entry(table: Table):
    table.put(2000, due_at=1)
    table.units()
    table.client.delete_item(TableName="jobs", Key=JOB)
    assert table.units() == {TABLE: 2, "due": 1}
    table.client.delete_item(TableName="jobs", Key=JOB)
    assert table.units() == {TABLE: 1, "due": 0}


def test_reads_are_counted_by_function(table: Table):
    table.put(5000, due_at=1)
    table.meter.caller = "poll"
    table.client.get_item(TableName="jobs", Key=JOB, ConsistentRead=True)
    table.client.get_item(TableName="jobs", Key=JOB)
    table.meter.caller = "sweep"
    table.client.query(
        TableName="jobs",
        IndexName="due",
        KeyConditionExpression="due_pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "open#1"}},
    )
    table.client.batch_get_item(RequestItems={"jobs": {"Keys": [JOB], "ConsistentRead": True}})
    assert table.meter.reads["poll"] == 4 + 2
    assert table.meter.reads["sweep"] == 1 + 4
    assert table.meter.requests["poll", "GetItem"] == 2
