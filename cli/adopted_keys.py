"""Add keys of older releases to the lists of keys and accounts."""

import time
from collections.abc import Iterator

from cli.target import Target
from rushes.aws.dynamodb.api_keys import read_key_item
from rushes.aws.dynamodb.items import read_valid
from rushes.aws.dynamodb.key_registry import KeyRegistryTable
from rushes.ports.api_keys import ApiKey
from rushes.ports.audit import AuditEntry


def adopt_keys(target: Target) -> list[ApiKey]:
    """Return the keys that were not listed before; the whole table is read."""
    registry = KeyRegistryTable(target.client("dynamodb"), target.table)
    actor = target.caller()
    return [key for key in _all_keys(target) if registry.register(key, _entry(key, actor))]


def _entry(key: ApiKey, actor: str) -> AuditEntry:
    detail = {"account": key.account}
    return AuditEntry(time.time(), actor, "key.register", f"key:{key.key_id}", detail)


def _all_keys(target: Target) -> Iterator[ApiKey]:
    pages = target.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(
        TableName=target.table,
        FilterExpression="begins_with(pk, :family)",
        ExpressionAttributeValues={":family": {"S": "KEY#"}},
    ):
        yield from read_valid(page["Items"], read_key_item)
