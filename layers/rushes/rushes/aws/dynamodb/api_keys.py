"""API keys in the table: the hash of each secret, never the secret itself."""

from rushes.aws.dynamodb.items import Table, key
from rushes.aws.errors import translate_aws_errors
from rushes.ports.api_keys import ApiKey


class KeyTable(Table):
    def add(self, api_key: ApiKey) -> None:
        item = {
            **key("KEY", api_key.key_id),
            "account": {"S": api_key.account},
            "digest": {"S": api_key.digest},
            "created_at": {"N": str(api_key.created_at)},
            "revoked": {"BOOL": api_key.revoked},
        }
        with translate_aws_errors():
            self._client.put_item(TableName=self._table, Item=item)

    def get(self, key_id: str) -> ApiKey | None:
        item = self._find(key("KEY", key_id))
        if item is None:
            return None
        return ApiKey(
            key_id=key_id,
            account=item["account"]["S"],
            digest=item["digest"]["S"],
            created_at=float(item["created_at"]["N"]),
            revoked=item["revoked"]["BOOL"],
        )
