"""Counters in the table: one item each, deleted by the table's TTL."""

from rushes.aws.dynamodb.items import Table, key
from rushes.aws.errors import translate_aws_errors


class CounterTable(Table):
    def add(self, name: str, expires_at: float) -> int:
        """A repeated call whose response was lost counts twice: a limit is reached earlier."""
        with translate_aws_errors():
            reply = self._client.update_item(
                TableName=self._table,
                Key=key("COUNTER", name),
                UpdateExpression="SET expires = :expires ADD calls :one",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":expires": {"N": str(int(expires_at))},
                },
                ReturnValues="UPDATED_NEW",
            )
        return int(reply["Attributes"]["calls"]["N"])
