"""Daily budgets: one item per account and UTC day, with the dollars and jobs charged to it.

The dollars are those that the day's jobs charge in their present states (`jobs/cost.py`).
"""

from datetime import date, timedelta
from typing import Any

from rushes.aws.dynamodb.items import Item, key
from rushes.errors import BudgetExceeded
from rushes.jobs.cost import DECIMALS
from rushes.jobs.reservation import Reservation
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
            ":cost": {"N": number(charge.cost)},
            ":one": {"N": "1"},
            ":room": {"N": number(charge.limit - charge.cost)},
            ":expires": {"N": str(int(now) + RETENTION_SECONDS)},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def settle_request(
    table: str, account: str, reservation: Reservation, dollars: float, now: float
) -> dict[str, Any]:
    """Return the transaction's `Update` that adds dollars, or subtracts them if negative.

    It has no condition: a cost above the reservation is spent already.
    """
    return {
        "TableName": table,
        "Key": key(BUDGET, f"{account}#{reservation.day}"),
        "UpdateExpression": "SET expires = if_not_exists(expires, :expires) ADD dollars :dollars",
        "ExpressionAttributeValues": {
            ":dollars": {"N": number(dollars)},
            ":expires": {"N": str(int(now) + RETENTION_SECONDS)},
        },
    }


def number(dollars: float) -> str:
    """Return the shortest decimal of at most 6 places, so that DynamoDB's sums are exact."""
    return f"{dollars:.{DECIMALS}f}".rstrip("0").rstrip(".")


def budget_exceeded(charge: BudgetCharge, stored: Item) -> BudgetExceeded:
    spent = float(stored.get("dollars", {}).get("N", charge.limit))
    resets = date.fromisoformat(charge.day) + timedelta(days=1)
    return BudgetExceeded(
        f"daily budget exceeded: ${spent:.2f} of ${charge.limit:.2f} spent or reserved, the job"
        f" reserves ${charge.cost:.2f}; resets {resets}T00:00Z"
    )
