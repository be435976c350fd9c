"""What is kept beside the jobs: API keys, timings, and the gates of the providers."""

from typing import TYPE_CHECKING

from rushes.aws.dynamodb.items import key
from rushes.aws.errors import translate_aws_errors
from rushes.ports import ApiKey, RateLimit, Timing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class KeyTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(self, api_key: ApiKey) -> None:
        with translate_aws_errors():
            self._client.put_item(
                TableName=self._table,
                Item={
                    **key("KEY", api_key.key_id),
                    "account": {"S": api_key.account},
                    "digest": {"S": api_key.digest},
                    "created_at": {"N": str(api_key.created_at)},
                    "revoked": {"BOOL": api_key.revoked},
                },
            )

    def get(self, key_id: str) -> ApiKey | None:
        with translate_aws_errors():
            reply = self._client.get_item(TableName=self._table, Key=key("KEY", key_id))
        item = reply.get("Item")
        if item is None:
            return None
        return ApiKey(
            key_id=key_id,
            account=item["account"]["S"],
            digest=item["digest"]["S"],
            created_at=float(item["created_at"]["N"]),
            revoked=item["revoked"]["BOOL"],
        )


class TimingTable:
    """Lost updates do no harm here: the next job of the kind teaches the same."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, timing_key: str) -> Timing:
        with translate_aws_errors():
            reply = self._client.get_item(TableName=self._table, Key=key("TIMING", timing_key))
        item = reply.get("Item")
        if item is None:
            return Timing()
        return Timing(
            count=int(item["count"]["N"]),
            mean=float(item["mean"]["N"]),
            variance=float(item["variance"]["N"]),
        )

    def put(self, timing_key: str, timing: Timing) -> None:
        facts = {name: {"N": str(value)} for name, value in vars(timing).items()}
        with translate_aws_errors():
            self._client.put_item(
                TableName=self._table, Item={**key("TIMING", timing_key), **facts}
            )


class RateLimitTable:
    """One row for each provider that has ever asked for patience or refused our key."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, provider: str) -> RateLimit:
        with translate_aws_errors():
            reply = self._client.get_item(TableName=self._table, Key=key("PROVIDER", provider))
        item = reply.get("Item", {})
        return RateLimit(
            not_before=float(item.get("not_before", {}).get("N", 0)),
            closed_until=float(item.get("closed_until", {}).get("N", 0)),
            reason=item.get("reason", {}).get("S", ""),
        )

    def hold(self, provider: str, until: float) -> None:
        self._advance(provider, until, until)

    def admit(self, provider: str, now: float, interval: float) -> bool:
        return self._advance(provider, now + interval, now)

    def _advance(self, provider: str, until: float, if_not_after: float) -> bool:
        """Move the gate to `until`, unless it stands later than `if_not_after` already."""
        try:
            with translate_aws_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=key("PROVIDER", provider),
                    UpdateExpression="SET not_before = :until",
                    ConditionExpression="attribute_not_exists(not_before) OR not_before <= :before",
                    ExpressionAttributeValues={
                        ":until": {"N": str(until)},
                        ":before": {"N": str(if_not_after)},
                    },
                )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def close(self, provider: str, until: float, reason: str) -> None:
        with translate_aws_errors():
            self._client.update_item(
                TableName=self._table,
                Key=key("PROVIDER", provider),
                UpdateExpression="SET closed_until = :until, reason = :reason",
                ExpressionAttributeValues={
                    ":until": {"N": str(until)},
                    ":reason": {"S": reason},
                },
            )
