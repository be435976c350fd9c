"""API keys in the table: the hash of each secret, never the secret itself."""

from typing import Any

from rushes.aws.dynamodb.items import Item, Table, corrupt_if_unreadable, key
from rushes.aws.errors import translate_aws_errors
from rushes.ports.api_keys import DEFAULT_SCOPES, ApiKey, Scope

TEXTS = ("name", "created_by", "replaced_by", "first_key_id")
TIMES = ("expires_at", "last_used_at", "revoked_at")


class KeyTable(Table):
    def add(self, api_key: ApiKey) -> None:
        """Store a key; one with the same id is replaced."""
        with translate_aws_errors():
            self._client.put_item(TableName=self._table, Item=key_item(api_key))

    def get(self, key_id: str) -> ApiKey | None:
        """Read consistently: a revoked key is refused by every read after its revocation."""
        item = self._find(key("KEY", key_id), consistent=True)
        return read_key_item(item) if item else None

    def record_use(self, key_id: str, now: float, interval: float) -> None:
        try:
            with translate_aws_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=key("KEY", key_id),
                    UpdateExpression="SET last_used_at = :now",
                    ConditionExpression="attribute_exists(pk) AND"
                    " (attribute_not_exists(last_used_at) OR last_used_at <= :before)",
                    ExpressionAttributeValues={
                        ":now": {"N": str(now)},
                        ":before": {"N": str(now - interval)},
                    },
                )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # another function has written it


def key_item(api_key: ApiKey) -> Item:
    item = {
        **key("KEY", api_key.key_id),
        "account": {"S": api_key.account},
        "digest": {"S": api_key.digest},
        "created_at": {"N": str(api_key.created_at)},
        "revoked": {"BOOL": api_key.revoked},
        "scopes": {"SS": sorted(api_key.scopes)},
    }
    item |= {name: {"S": text} for name in TEXTS if (text := getattr(api_key, name))}
    item |= {name: {"N": str(at)} for name in TIMES if (at := getattr(api_key, name)) is not None}
    if api_key.models is not None:
        item["models"] = {"SS": sorted(api_key.models)}
    if api_key.version:
        item["version"] = {"N": str(api_key.version)}
    return item


def read_key_item(item: Item) -> ApiKey:
    """Read an item. One of an older release has the default scopes.

    Raises
    ------
    CorruptRecord
    """
    with corrupt_if_unreadable():
        return _api_key(item)


def _api_key(item: Item) -> ApiKey:
    scopes = item["scopes"]["SS"] if "scopes" in item else DEFAULT_SCOPES
    known = frozenset(scope for scope in Scope if scope in scopes)
    texts: dict[str, Any] = {name: item[name]["S"] for name in TEXTS if name in item}
    times: dict[str, Any] = {name: float(item[name]["N"]) for name in TIMES if name in item}
    return ApiKey(
        key_id=item["pk"]["S"].partition("#")[2],
        account=item["account"]["S"],
        digest=item["digest"]["S"],
        created_at=float(item["created_at"]["N"]),
        revoked=item["revoked"]["BOOL"],
        scopes=known,
        models=frozenset(item["models"]["SS"]) if "models" in item else None,
        version=int(item.get("version", {}).get("N", 0)),
        **texts,
        **times,
    )
