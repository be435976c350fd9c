"""Rows of the one table: their keys, and the one way to write them."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rushes.aws.errors import translate_aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]


def key(family: str, name: str, sort: str = "") -> Item:
    """`FAMILY#name`, and in its partition the family's own name where it has one row only."""
    return {"pk": {"S": f"{family}#{name}"}, "sk": {"S": sort or family.lower()}}


def marked(row: Item) -> Item:
    """The row with a mark of its writer, by which a write whose answer was lost is known."""
    return {**row, "written_by": {"S": secrets.token_hex(8)}}


def put(client: "DynamoDBClient", table: str, row: Item, condition: Mapping[str, Any]) -> bool:
    """Write a row on a condition; False where it does not hold.

    A write that succeeded and whose answer was lost is repeated by boto3 and then refused; the mark
    of the writer tells that it was ours.
    """
    ours = marked(row)
    try:
        with translate_aws_errors():
            client.put_item(
                TableName=table,
                Item=ours,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
    except client.exceptions.ConditionalCheckFailedException as refused:
        stored: Item = dict(refused.response).get("Item", {})  # type: ignore[assignment]
        return bool(stored.get("written_by") == ours["written_by"])
    return True
