"""API keys, as operators manage them: listed by account, and changed with an audit entry.

A key is the item `KEY#id`; the partition of its account has an entry for it (`accounts.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rushes.aws.dynamodb.accounts import listing, register
from rushes.aws.dynamodb.api_keys import KeyTable, key_item, read_key_item
from rushes.aws.dynamodb.audit import entry_item
from rushes.aws.dynamodb.batches import ItemBatches, key_of
from rushes.aws.dynamodb.items import (
    ABSENT,
    MAX_TRIES,
    Item,
    is_version,
    key,
    put_request,
    read_valid,
    with_writer,
)
from rushes.aws.dynamodb.transaction import write_all
from rushes.aws.errors import translate_aws_errors
from rushes.errors import NotFound, UnknownCursor, WriteConflict
from rushes.ports.api_keys import ApiKey
from rushes.ports.audit import AuditEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Requests = dict[str, dict[str, Any]]


class KeyRegistryTable(ItemBatches):
    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        super().__init__(client, name)
        self._keys = KeyTable(client, name)

    def get(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    def create(self, api_key: ApiKey, entry: AuditEntry) -> None:
        item = with_writer(key_item(api_key))
        requests = {
            "key": put_request(self._table, item, ABSENT),
            **self._listing(api_key),
            "audit": put_request(self._table, entry_item(entry), ABSENT),
        }
        register(self._client, self._table, api_key.account, entry.at)
        if write_all(self._client, item, requests):
            raise WriteConflict("a key with that id exists")

    def change(self, key_id: str, change: Callable[[ApiKey], ApiKey], entry: AuditEntry) -> ApiKey:
        return self._change(key_id, lambda before: (change(before), {}), entry)

    def replace(
        self, key_id: str, change: Callable[[ApiKey], tuple[ApiKey, ApiKey]], entry: AuditEntry
    ) -> ApiKey:
        def write(before: ApiKey) -> tuple[ApiKey, Requests]:
            after, successor = change(before)
            new = put_request(self._table, key_item(successor), ABSENT)
            register(self._client, self._table, successor.account, entry.at)
            return after, {"new": new, **self._listing(successor)}

        return self._change(key_id, write, entry)

    def page(self, account: str, limit: int, after: str | None) -> tuple[tuple[ApiKey, ...], bool]:
        """Return the keys of an account, the newest first."""
        search: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :keys)",
            "ExpressionAttributeValues": {
                ":pk": key("ACCOUNT", account)["pk"],
                ":keys": {"S": "key#"},
            },
            "ScanIndexForward": False,
            "Limit": limit + 1,
            "ConsistentRead": True,
        }
        if after is not None:
            last = self._keys.get(after)
            if last is None or last.account != account:
                raise UnknownCursor("cursor is unknown", param="cursor")
            search["ExclusiveStartKey"] = _entry(last)
        with translate_aws_errors():
            reply = self._client.query(**search)
        keys = [key("KEY", item["sk"]["S"].rpartition("#")[2]) for item in reply["Items"]]
        found = self.find(keys[:limit]) if keys else {}
        items = (found.get(key_of(one)) for one in keys[:limit])
        return tuple(read_valid(filter(None, items), read_key_item)), len(keys) > limit

    def register(self, api_key: ApiKey, entry: AuditEntry) -> bool:
        """Add a stored key of an older release to the lists; return False if it is there."""
        item = with_writer(_entry(api_key))
        requests = {
            "entry": put_request(self._table, item, ABSENT),
            **listing(self._table, api_key.account),
            "audit": put_request(self._table, entry_item(entry), ABSENT),
        }
        register(self._client, self._table, api_key.account, api_key.created_at)
        return write_all(self._client, item, requests) is None

    def _change(
        self,
        key_id: str,
        change: Callable[[ApiKey], tuple[ApiKey, Requests]],
        entry: AuditEntry,
    ) -> ApiKey:
        for _ in range(MAX_TRIES):
            before = self._keys.get(key_id)
            if before is None:
                raise NotFound(f"key {key_id} not found", param="key_id")
            after, requests = change(before)
            if after == before:
                return after
            after = replace(after, version=before.version + 1)
            item = with_writer(key_item(after))
            written = {
                "key": put_request(self._table, item, is_version(before.version)),
                **requests,
                "audit": put_request(self._table, entry_item(entry), ABSENT),
            }
            if write_all(self._client, item, written) is None:
                return after
        raise WriteConflict("the key is being changed by other requests")

    def _listing(self, api_key: ApiKey) -> Requests:
        entry = put_request(self._table, _entry(api_key), {})
        return {"entry": entry, **listing(self._table, api_key.account)}


def _entry(api_key: ApiKey) -> Item:
    """Return the entry of a key in the partition of its account; its creation orders the list."""
    created = f"{int(api_key.created_at * 1000):013d}"
    return key("ACCOUNT", api_key.account, f"key#{created}#{api_key.key_id}")
