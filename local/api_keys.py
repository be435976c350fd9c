"""Create API keys of a local stack in process, as `rushes key create` does."""

import sys
import time
from typing import TYPE_CHECKING

from local.packaging import ROOT

sys.path.insert(0, str(ROOT / "layers/rushes"))  # the imports below need it

from rushes.api.keys.key_service import KeyService
from rushes.api.keys.schemas import NewKey
from rushes.aws.dynamodb.key_registry import KeyRegistryTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ACTOR = "local stack"


def create_keys(
    dynamodb: "DynamoDBClient", table: str, accounts: tuple[str, ...]
) -> dict[str, str]:
    """Store a new key for each account, and return the keys by account."""
    service = KeyService(KeyRegistryTable(dynamodb, table), time.time)
    return {name: service.create(NewKey(account=name), ACTOR).secret for name in accounts}
