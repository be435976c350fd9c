"""Webhook endpoints and deliveries in the DynamoDB table.

    pk                           sk           item                                  indexes
    ENDPOINTS#account            endpoint id  endpoint
    REQUESTS#account             requests     secrets for URLs in create requests
    DELIVERY#account#message id  receiver     delivery of one event to one receiver by_owner, due

`by_owner` lists an endpoint's deliveries; `due` holds a delivery until its status is terminal.
"""

import heapq
import zlib
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from rushes.aws.dynamodb.items import BY_OWNER, DUE, Item, key
from rushes.aws.dynamodb.versioned_items import VersionedItems
from rushes.errors import WriteConflict
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import Endpoint, RequestSecrets, Secret
from rushes.webhooks.signature import new_secret

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS = 4
"""Partitions of `due`: a single one would limit the write rate of all deliveries."""


class EndpointTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._endpoints = VersionedItems(
            client, table, Endpoint, lambda endpoint: _endpoint_key(endpoint.account, endpoint.id)
        )
        self._secrets = VersionedItems(
            client, table, RequestSecrets, lambda secrets: _secrets_key(secrets.account)
        )

    def add(self, endpoint: Endpoint) -> None:
        if not self._endpoints.add(endpoint):
            raise WriteConflict(f"endpoint {endpoint.id} exists")

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

    def request_secrets(self, account: str) -> RequestSecrets:
        stored = self._secrets.get(_secrets_key(account))
        if stored:
            return stored
        self._secrets.add(RequestSecrets(account=account, secrets=(Secret(value=new_secret()),)))
        return self.request_secrets(account)

    def change_request_secrets(
        self, account: str, change: Callable[[RequestSecrets], RequestSecrets]
    ) -> RequestSecrets:
        self.request_secrets(account)
        return self._secrets.change(_secrets_key(account), change)


class DeliveryTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._items = VersionedItems(client, table, Delivery, _delivery_attributes)

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
        condition, values = "list_pk = :pk", {":pk": {"S": f"{account}#{receiver}"}}
        if after:
            condition += " AND list_sk < :after"
            values[":after"] = {"S": after}
        matches = self._items.query(
            IndexName=BY_OWNER,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            Limit=limit + 1,
        )
        deliveries = tuple(islice(matches, limit + 1))
        return DeliveryPage(deliveries=deliveries[:limit], has_more=len(deliveries) > limit)

    def change(
        self, account: str, message_id: str, receiver: str, change: Callable[[Delivery], Delivery]
    ) -> Delivery:
        return self._items.change(_delivery_key(account, message_id, receiver), change)

    def due(self, now: float, limit: int) -> tuple[Delivery, ...]:
        shards = [
            self._items.query(
                IndexName=DUE,
                KeyConditionExpression="open_pk = :open AND open_sk <= :now",
                ExpressionAttributeValues={
                    ":open": {"S": f"deliveries#{shard}"},
                    ":now": {"N": str(now)},
                },
                Limit=limit,
            )
            for shard in range(SHARDS)
        ]
        oldest_first = heapq.merge(*shards, key=lambda delivery: delivery.next_check_at or 0.0)
        return tuple(islice(oldest_first, limit))


def _endpoint_key(account: str, endpoint_id: str) -> Item:
    return key("ENDPOINTS", account, endpoint_id)


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
            "list_pk": {"S": f"{delivery.account}#{delivery.endpoint_id}"},
            "list_sk": {"S": delivery.cursor},
        }
    if delivery.next_check_at is not None:
        shard = zlib.crc32(delivery.id.encode()) % SHARDS
        attributes |= {
            "open_pk": {"S": f"deliveries#{shard}"},
            "open_sk": {"N": str(delivery.next_check_at)},
        }
    return attributes
