"""Limits of accounts and API keys: one item each, by the name that `jobs/charges.py` defines.

`dollars` of a budget, or `jobs` of a counter, is what the jobs charge in their present states.
"""

from typing import Any

from rushes.aws.dynamodb.items import Item, Table, key
from rushes.aws.errors import translate_aws_errors
from rushes.jobs.charges import Charge, is_budget, resets_at
from rushes.jobs.cost import DECIMALS
from rushes.ports.limits import Usage

# The key prefix that 0.1.0 stored (docs/decisions/0013-stored-names.md).
LIMIT = "SPENT"
RETENTION_SECONDS = 8 * 24 * 3600
"""After the end of a budget's period. A counter is kept."""


def update_request(table: str, charge: Charge) -> dict[str, Any]:
    """Return the transaction's `Update` that adds a charge, unless it exceeds its maximum.

    A settlement has no maximum: a cost above the reservation is spent already.
    """
    adds = {attribute(charge.name): number(charge.total)}
    if charge.settled:
        adds["settled"] = number(charge.settled)
    if charge.is_budget and charge.maximum is not None:
        adds["jobs"] = "1"
    request = {
        "TableName": table,
        "Key": key(LIMIT, charge.name),
        "UpdateExpression": "ADD " + ", ".join(f"{name} :{name}" for name in adds),
        "ExpressionAttributeValues": {f":{name}": {"N": amount} for name, amount in adds.items()},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return _bounded(_expiring(request, charge), charge)


def _expiring(request: dict[str, Any], charge: Charge) -> dict[str, Any]:
    if not charge.is_budget:
        return request
    expires = {"N": str(int(resets_at(charge.period)) + RETENTION_SECONDS)}
    return {
        **request,
        "UpdateExpression": f"SET expires = :expires {request['UpdateExpression']}",
        "ExpressionAttributeValues": {**request["ExpressionAttributeValues"], ":expires": expires},
    }


def _bounded(request: dict[str, Any], charge: Charge) -> dict[str, Any]:
    if charge.maximum is None:
        return request
    amount, room = attribute(charge.name), {"N": number(charge.room)}
    return {
        **request,
        "ConditionExpression": f"attribute_not_exists({amount}) OR {amount} <= :room",
        "ExpressionAttributeValues": {**request["ExpressionAttributeValues"], ":room": room},
    }


def attribute(name: str) -> str:
    return "dollars" if is_budget(name) else "jobs"


def number(amount: float) -> str:
    """Return the shortest decimal of at most 6 places, so that DynamoDB's sums are exact."""
    return f"{amount:.{DECIMALS}f}".rstrip("0").rstrip(".")


class LimitTable(Table):
    def find(self, name: str) -> Usage:
        return usage(name, self._find(key(LIMIT, name), consistent=True) or {})

    def report(self, name: str, percent: int) -> None:
        with translate_aws_errors():
            self._client.update_item(
                TableName=self._table,
                Key=key(LIMIT, name),
                UpdateExpression="SET reported = :percent",
                ExpressionAttributeValues={":percent": {"N": str(percent)}},
            )


def usage(name: str, item: Item) -> Usage:
    """Read an item; one without a number, edited by hand, counts as 0."""

    def read(field: str) -> float:
        return float(item.get(field, {}).get("N", 0))

    return Usage(read(attribute(name)), read("settled"), int(read("reported")))
