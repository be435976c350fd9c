"""Webhook endpoints and deliveries in the DynamoDB table.

    pk                           sk           item                                  indexes
    ENDPOINTS#account            endpoint id  endpoint
    ENDPOINTS_ADDED#account      endpoints_added  number of endpoints ever added
    REQUESTS#account             requests     secrets for URLs in create requests
    DELIVERY#account#message id  receiver     delivery of an event to a receiver    both

Indexes with keys only: `by_owner_keys` lists an endpoint's deliveries; `due_keys` holds a delivery
until its status is terminal.
"""

import random
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from rushes.aws.dynamodb.due_index import DueIndex, due_attributes, partitions_of
from rushes.aws.dynamodb.items import (
    BY_OWNER,
    MAX_TRIES,
    Item,
    Table,
    is_own,
    key,
    transact,
)
from rushes.aws.dynamodb.key_index import KeyIndex, shard_of
from rushes.aws.dynamodb.versioned_items import VersionedItems
from rushes.errors import AwsUnavailable, WriteConflict
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import MAX_ENDPOINTS, Endpoint, RequestSecrets

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_PAUSE = 0.2
"""Seconds between two tries to add an endpoint."""
DELIVERIES = "deliveries"
"""Kind of work in index `due`."""


class EndpointTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._endpoints = VersionedItems(
            client, table, Endpoint, lambda endpoint: _endpoint_key(endpoint.account, endpoint.id)
        )
        self._secrets = VersionedItems(
            client, table, RequestSecrets, lambda secrets: _secrets_key(secrets.account)
        )
        self._counter = AddCounter(client, table)

    def add(self, endpoint: Endpoint) -> bool:
        """Write on the condition that no other call has added an endpoint since the count.

        The number of endpoints added before becomes the endpoint's number. The counter is read
        before the endpoints. Deletions need no condition: they only make room.
        """
        for _ in range(MAX_TRIES):
            added = self._counter.get(endpoint.account)
            if len(self.all(endpoint.account)) >= MAX_ENDPOINTS:
                return False
            numbered = endpoint.model_copy(update={"number": added})
            if self._counter.add(endpoint.account, added, self._endpoints.add_request(numbered)):
                return True
            time.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 - jitter
        raise WriteConflict("other requests are adding webhook endpoints to the account")

    def get(self, account: str, endpoint_id: str) -> Endpoint | None:
        return self._endpoints.get(_endpoint_key(account, endpoint_id))

    def all(self, account: str) -> tuple[Endpoint, ...]:
        """Return all endpoints, sorted by id; the read is consistent."""
        endpoints = self._endpoints.query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": _endpoint_key(account, "")["pk"]},
            ConsistentRead=True,
        )
        return tuple(endpoints)

    def change(
        self, account: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        return self._endpoints.change(_endpoint_key(account, endpoint_id), change)

    def delete(self, account: str, endpoint_id: str) -> None:
        self._endpoints.delete(_endpoint_key(account, endpoint_id))

    def request_secrets(self, account: str) -> RequestSecrets | None:
        return self._secrets.get(_secrets_key(account))

    def add_request_secrets(self, secrets: RequestSecrets) -> None:
        self._secrets.add(secrets)

    def change_request_secrets(
        self, account: str, change: Callable[[RequestSecrets], RequestSecrets]
    ) -> RequestSecrets:
        return self._secrets.change(_secrets_key(account), change)


class AddCounter(Table):
    """Number of endpoints that an account has ever added, for optimistic locking.

    It is no count of the stored endpoints, so that it cannot be wrong. An account without the item
    has added none since version 0.2.0.
    """

    def get(self, account: str) -> int:
        item = self._find(_counter_key(account), consistent=True)
        return int(item["added"]["N"]) if item else 0

    def add(self, account: str, added: int, request: Item) -> bool:
        """Put an endpoint if the counter still has the value `added`; False after a conflict.

        Raises
        ------
        WriteConflict
            If an endpoint with that id exists.
        """
        counter = {
            "TableName": self._table,
            "Key": _counter_key(account),
            "UpdateExpression": "SET added = :next",
            "ConditionExpression": "added = :added" if added else "attribute_not_exists(added)",
            "ExpressionAttributeValues": {
                ":next": {"N": str(added + 1)},
                **({":added": {"N": str(added)}} if added else {}),
            },
        }
        reasons = transact(self._client, [request, {"Update": counter}])
        if not reasons or is_own(request["Put"]["Item"], reasons[0]):
            return True
        codes = [reason.get("Code", "None") for reason in reasons]
        if codes[0] == "ConditionalCheckFailed":
            raise WriteConflict("a webhook endpoint with that id exists")
        if set(codes) - {"None", "TransactionConflict", "ConditionalCheckFailed"}:
            raise AwsUnavailable(f"TransactWriteItems returned {', '.join(codes)}")
        return False


class DeliveryTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._items = VersionedItems(client, table, Delivery, _delivery_attributes)
        self._due = DueIndex(client, table)
        self._index = KeyIndex(client, table, BY_OWNER, "list_pk")

    def add(self, delivery: Delivery) -> bool:
        return self._items.add(delivery)

    def get(self, account: str, message_id: str, receiver: str) -> Delivery | None:
        return self._items.get(_delivery_key(account, message_id, receiver))

    def of_message(self, account: str, message_id: str) -> tuple[Delivery, ...]:
        deliveries = self._items.query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": _delivery_key(account, message_id, "")["pk"]},
        )
        return tuple(deliveries)

    def page(
        self, account: str, receiver: str, limit: int, after: str | None = None
    ) -> DeliveryPage:
        pages = self._index.pages(f"{account}#{receiver}", limit + 1, after, newest_first=True)
        matches = chain.from_iterable(map(self._items.read, pages))
        deliveries = tuple(islice(matches, limit + 1))
        return DeliveryPage(deliveries=deliveries[:limit], has_more=len(deliveries) > limit)

    def change(
        self, account: str, message_id: str, receiver: str, change: Callable[[Delivery], Delivery]
    ) -> Delivery:
        return self._items.change(_delivery_key(account, message_id, receiver), change)

    def due(self, now: float, limit: int) -> Iterator[Delivery]:
        """Of each account at most `limit`, and of each of its receivers at least a few."""
        for delivery in self._items.read(self._due.items([partitions_of(DELIVERIES)], now, limit)):
            if delivery.next_check_at is not None and delivery.next_check_at <= now:
                yield delivery


def _endpoint_key(account: str, endpoint_id: str) -> Item:
    return key("ENDPOINTS", account, endpoint_id)


def _counter_key(account: str) -> Item:
    return key("ENDPOINTS_ADDED", account)


def _secrets_key(account: str) -> Item:
    return key("REQUESTS", account)


def _delivery_key(account: str, message_id: str, receiver: str) -> Item:
    return key("DELIVERY", f"{account}#{message_id}", receiver)


def _delivery_attributes(delivery: Delivery) -> Item:
    attributes = {
        **_delivery_key(delivery.account, delivery.message_id, delivery.receiver),
        "status": {"S": delivery.status.value},
        "expires": {"N": str(int(delivery.expires_at))},
    }
    if delivery.endpoint_id:
        attributes |= {
            "list_pk": {
                "S": shard_of(f"{delivery.account}#{delivery.endpoint_id}", delivery.cursor)
            },
            "list_sk": {"S": delivery.cursor},
        }
    if delivery.next_check_at is not None:
        attributes |= due_attributes(DELIVERIES, attributes, delivery.next_check_at)
    return attributes
