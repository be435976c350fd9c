"""Registry of accounts in the table.

pk               sk             item
ACCOUNT#account  account        the account
ACCOUNT#account  key#time#id    a key of the account, with keys only
ACCOUNTS#all     account        an entry of the list of accounts, with keys only
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rushes.aws.dynamodb.audit import entry_item
from rushes.aws.dynamodb.batches import ItemBatches, key_of
from rushes.aws.dynamodb.items import (
    ABSENT,
    MAX_TRIES,
    Item,
    corrupt_if_unreadable,
    is_version,
    key,
    put,
    put_request,
    read_valid,
    with_writer,
)
from rushes.aws.dynamodb.transaction import write_all
from rushes.aws.errors import translate_aws_errors
from rushes.errors import NotFound, WriteConflict
from rushes.ports.accounts import Account
from rushes.ports.audit import AuditEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TEXTS = ("display_name", "contact", "notes")


class AccountTable(ItemBatches):
    def get(self, name: str) -> Account | None:
        item = self._find(account_key(name), consistent=True)
        return _read(item) if item else None

    def create(self, account: Account, entry: AuditEntry) -> bool:
        return self._write(account, ABSENT, entry)

    def change(self, name: str, change: Callable[[Account], Account], entry: AuditEntry) -> Account:
        for _ in range(MAX_TRIES):
            before = self.get(name)
            if before is None:
                raise NotFound(f"account {name} not found", param="account")
            after = change(before)
            if after == before:
                return after
            after = replace(after, version=before.version + 1)
            if self._write(after, is_version(before.version), entry):
                return after
        raise WriteConflict("the account is being changed by other requests")

    def page(self, limit: int, after: str | None) -> tuple[tuple[Account, ...], bool]:
        condition, values = "pk = :pk", {":pk": _listed("")["pk"]}
        if after is not None:
            condition, values = f"{condition} AND sk > :after", {**values, ":after": {"S": after}}
        with translate_aws_errors():
            reply = self._client.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                Limit=limit + 1,
                ConsistentRead=True,
            )
        keys = [account_key(item["sk"]["S"]) for item in reply["Items"]]
        found = self.find(keys[:limit]) if keys else {}
        items = (found.get(key_of(one)) for one in keys[:limit])
        return tuple(read_valid(filter(None, items), _read)), len(keys) > limit

    def _write(self, account: Account, condition: dict[str, Any], entry: AuditEntry) -> bool:
        """Return False if the condition does not hold."""
        item = with_writer(_item(account))
        requests = {
            "account": put_request(self._table, item, condition),
            **listing(self._table, account.name),
            "audit": put_request(self._table, entry_item(entry), ABSENT),
        }
        return write_all(self._client, item, requests) is None


def account_key(name: str) -> Item:
    return key("ACCOUNT", name)


def register(client: "DynamoDBClient", table: str, name: str, now: float) -> None:
    """Add an account if it does not exist."""
    put(client, table, {**account_key(name), "created_at": {"N": str(now)}}, ABSENT)


def listing(table: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the request of a transaction that adds an account to the list of accounts."""
    return {"list": put_request(table, _listed(name), {})}


def _listed(name: str) -> Item:
    return key("ACCOUNTS", "all", name)


def _item(account: Account) -> Item:
    item = {**account_key(account.name), "created_at": {"N": str(account.created_at)}}
    item |= {name: {"S": text} for name in TEXTS if (text := getattr(account, name))}
    if account.disabled_at is not None:
        item["disabled_at"] = {"N": str(account.disabled_at)}
    if account.version:
        item["version"] = {"N": str(account.version)}
    return item


def _read(item: Item) -> Account:
    with corrupt_if_unreadable():
        return _account(item)


def _account(item: Item) -> Account:
    texts = {name: item[name]["S"] for name in TEXTS if name in item}
    disabled_at = item.get("disabled_at")
    return Account(
        name=item["pk"]["S"].partition("#")[2],
        created_at=float(item["created_at"]["N"]),
        disabled_at=float(disabled_at["N"]) if disabled_at else None,
        version=int(item.get("version", {}).get("N", 0)),
        **texts,
    )
