"""Rate limits and circuit breakers in the table: one item per provider."""

from rushes.aws.dynamodb.items import Item, Table, key
from rushes.aws.errors import translate_aws_errors
from rushes.ports.providers import RateLimit


class RateLimitTable(Table):
    def get(self, provider: str) -> RateLimit:
        item: Item = self._find(key("PROVIDER", provider)) or {}
        closed: Item = item.get("closed_until", {"N": 0})  # the attribute's name in 0.1.0
        return RateLimit(
            not_before=float(item.get("not_before", {}).get("N", 0)),
            circuit_open_until=float(item.get("circuit_open_until", closed)["N"]),
            reason=item.get("reason", {}).get("S", ""),
        )

    def throttle(self, provider: str, until: float) -> None:
        self._advance(provider, until, until)

    def acquire(self, provider: str, now: float, interval: float) -> bool:
        return self._advance(provider, now + interval, now)

    def _advance(self, provider: str, until: float, if_not_after: float) -> bool:
        """Set `not_before` to `until` unless it is later than `if_not_after`."""
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

    def open_circuit(self, provider: str, until: float, reason: str) -> None:
        with translate_aws_errors():
            self._client.update_item(
                TableName=self._table,
                Key=key("PROVIDER", provider),
                UpdateExpression="SET circuit_open_until = :until, reason = :reason",
                ExpressionAttributeValues={":until": {"N": str(until)}, ":reason": {"S": reason}},
            )
