"""Daily budgets: one item per account and UTC day, with the dollars and jobs charged to it."""

from datetime import date, timedelta
from typing import Any

from rushes.aws.dynamodb.items import Item, key
from rushes.errors import BudgetExceeded
from rushes.ports.jobs import BudgetCharge

# The key prefix that 0.1.0 stored (docs/decisions/0013-stored-names.md).
BUDGET = "SPENT"
RETENTION_SECONDS = 8 * 24 * 3600


def update_request(table: str, charge: BudgetCharge, now: float) -> dict[str, Any]:
    """Return the transaction's `Update` that adds a charge unless it exceeds the limit."""
    return {
        "TableName": table,
        "Key": key(BUDGET, f"{charge.account}#{charge.day}"),
        "UpdateExpression": "SET expires = :expires ADD dollars :cost, jobs :one",
        "ConditionExpression": "attribute_not_exists(dollars) OR dollars <= :room",
        "ExpressionAttributeValues": {
            ":cost": {"N": str(charge.cost)},
            ":one": {"N": "1"},
            ":room": {"N": str(round(charge.limit - charge.cost, 6))},
            ":expires": {"N": str(int(now) + RETENTION_SECONDS)},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def budget_exceeded(charge: BudgetCharge, stored: Item) -> BudgetExceeded:
    spent = float(stored.get("dollars", {}).get("N", charge.limit))
    resets = date.fromisoformat(charge.day) + timedelta(days=1)
    return BudgetExceeded(
        f"daily budget exceeded: ${spent:.2f} of ${charge.limit:.2f}, resets {resets}T00:00Z"
    )
