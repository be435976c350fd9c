"""Webhooks in the table: endpoints, and deliveries to them.

    pk                           sk           what                                 also indexed by
    ENDPOINTS#account            endpoint id  where an account has events sent to
    REQUESTS#account             requests     secrets for addresses in requests
    DELIVERY#account#message id  receiver     an event on its way to one receiver  list_*, open_*

A delivery is in `jobs_by_account` under its endpoint, and in `open_jobs` for as long as something
more will be tried.
"""

import heapq
import zlib
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from rushes.aws.dynamodb.items import Item, key
from rushes.aws.dynamodb.versioned_items import VersionedItems
from rushes.errors import WriteConflict
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import Endpoint, RequestSecrets, Secret
from rushes.webhooks.signature import new_secret

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS = 4
"""Of what is open: one partition of the index would limit how many deliveries can be made."""


class EndpointTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._endpoints = VersionedItems(client, table, Endpoint, _endpoint_row)
        self._secrets = VersionedItems(client, table, RequestSecrets, _secrets_row)

    def add(self, endpoint: Endpoint) -> None:
        if not self._endpoints.add(endpoint):
            raise WriteConflict(f"there is an endpoint {endpoint.id} already")

    def get(self, account: str, endpoint_id: str) -> Endpoint | None:
        return self._endpoints.get(_endpoint_key(account, endpoint_id))

    def all(self, account: str) -> tuple[Endpoint, ...]:
        """As they are this very moment, in the order of their ids."""
        found = self._endpoints.query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": _endpoint_key(account, "")["pk"]},
            ConsistentRead=True,
        )
        return tuple(found)

    def change(
        self, account: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        return self._endpoints.change(_endpoint_key(account, endpoint_id), change)

    def delete(self, account: str, endpoint_id: str) -> None:
        self._endpoints.delete(_endpoint_key(account, endpoint_id))

    def request_secrets(self, account: str) -> RequestSecrets:
        there = self._secrets.get(_secrets_key(account))
        if there:
            return there
        self._secrets.add(RequestSecrets(account=account, secrets=(Secret(value=new_secret()),)))
        return self.request_secrets(account)

    def change_request_secrets(
        self, account: str, change: Callable[[RequestSecrets], RequestSecrets]
    ) -> RequestSecrets:
        self.request_secrets(account)
        return self._secrets.change(_secrets_key(account), change)


class DeliveryTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._rows = VersionedItems(client, table, Delivery, _delivery_row)

    def add(self, delivery: Delivery) -> bool:
        return self._rows.add(delivery)

    def get(self, account: str, message_id: str, receiver: str) -> Delivery | None:
        return self._rows.get(_delivery_key(account, message_id, receiver))

    def of_message(self, account: str, message_id: str) -> tuple[Delivery, ...]:
        found = self._rows.query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": _delivery_key(account, message_id, "")["pk"]},
        )
        return tuple(found)

    def page(
        self, account: str, receiver: str, limit: int, after: str | None = None
    ) -> DeliveryPage:
        condition, values = "list_pk = :pk", {":pk": {"S": f"{account}#{receiver}"}}
        if after:
            condition += " AND list_sk < :after"
            values[":after"] = {"S": after}
        search = self._rows.query(
            IndexName="jobs_by_account",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            Limit=limit + 1,
        )
        found = tuple(islice(search, limit + 1))
        return DeliveryPage(deliveries=found[:limit], has_more=len(found) > limit)

    def change(
        self,
        account: str,
        message_id: str,
        receiver: str,
        change: Callable[[Delivery], Delivery],
    ) -> Delivery:
        return self._rows.change(_delivery_key(account, message_id, receiver), change)

    def due(self, now: float, limit: int) -> tuple[Delivery, ...]:
        shards = [
            self._rows.query(
                IndexName="open_jobs",
                KeyConditionExpression="open_pk = :open AND open_sk <= :now",
                ExpressionAttributeValues={
                    ":open": {"S": f"deliveries#{shard}"},
                    ":now": {"N": str(now)},
                },
                Limit=limit,
            )
            for shard in range(SHARDS)
        ]
        return tuple(islice(heapq.merge(*shards, key=lambda it: it.next_check_at or 0.0), limit))


def _endpoint_key(account: str, endpoint_id: str) -> Item:
    return key("ENDPOINTS", account, endpoint_id)


def _endpoint_row(endpoint: Endpoint) -> Item:
    return _endpoint_key(endpoint.account, endpoint.id)


def _secrets_key(account: str) -> Item:
    return key("REQUESTS", account)


def _secrets_row(kept: RequestSecrets) -> Item:
    return _secrets_key(kept.account)


def _delivery_key(account: str, message_id: str, receiver: str) -> Item:
    return key("DELIVERY", f"{account}#{message_id}", receiver)


def _delivery_row(delivery: Delivery) -> Item:
    row = {
        **_delivery_key(delivery.account, delivery.message_id, delivery.receiver),
        "status": {"S": delivery.status.value},
        "expires": {"N": str(int(delivery.expires_at))},
    }
    if delivery.endpoint_id:
        row |= {
            "list_pk": {"S": f"{delivery.account}#{delivery.endpoint_id}"},
            "list_sk": {"S": delivery.cursor},
        }
    if delivery.next_check_at is not None:
        shard = zlib.crc32(delivery.id.encode()) % SHARDS
        row |= {
            "open_pk": {"S": f"deliveries#{shard}"},
            "open_sk": {"N": str(delivery.next_check_at)},
        }
    return row
