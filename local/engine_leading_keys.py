"""The condition key dynamodb:LeadingKeys: the partition keys of the items that a request names.

ministack evaluates the conditions of policies, but does not know this key. A transaction has the
keys of all its items for each of its actions, which is stricter than the actions one by one.
"""
# ruff: noqa: ANN001, SLF001 - the patch replaces a function of untyped code

import json
import re
from collections.abc import Iterator

from ministack.core import iam_actions
from ministack.services import dynamodb

EQUALITY = re.compile(r"(#?\w+)\s*=\s*(:\w+)")


def enable() -> None:
    context = iam_actions.dynamodb_service_context

    def with_leading_keys(body: bytes) -> dict:
        keys = leading_keys(body)
        return {**context(body), **({"dynamodb:LeadingKeys": keys} if keys else {})}

    iam_actions.dynamodb_service_context = with_leading_keys


def leading_keys(body: bytes) -> list[str]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return []
    found = []
    for table, item in items_of(request):
        description = dynamodb._tables.get(table) or {}
        value = item.get(description.get("pk_name"), {})
        found += [str(text) for text in value.values()]
    return found


def items_of(request) -> Iterator[tuple[str, dict]]:
    """Yield the table and the key or item of each read or write."""
    for member in request.get("TransactItems", []):
        for operation in member.values():
            yield from items_of(operation)
    for table, batch in request.get("RequestItems", {}).items():
        if isinstance(batch, dict):
            yield from ((table, key) for key in batch.get("Keys", []))
            continue
        for write in batch:
            for operation in write.values():
                yield table, operation.get("Item") or operation.get("Key") or {}
    if item := request.get("Item") or request.get("Key") or queried_key(request):
        yield request.get("TableName", ""), item


def queried_key(request) -> dict:
    """Return the attributes that the key condition of a table's query fixes."""
    if request.get("IndexName"):
        return {}
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    pairs = EQUALITY.findall(request.get("KeyConditionExpression") or "")
    return {names.get(name, name): values.get(value, {}) for name, value in pairs}
