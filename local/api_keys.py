"""Create API keys of a local stack in process, as scripts/create_key.py does."""

import sys
import time
from typing import TYPE_CHECKING

from local.packaging import ROOT

sys.path.insert(0, str(ROOT / "layers/rushes"))  # the imports below need it

from rushes.api.key_hashing import create_api_key
from rushes.aws.dynamodb.api_keys import KeyTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_keys(
    dynamodb: "DynamoDBClient", table: str, accounts: tuple[str, ...]
) -> dict[str, str]:
    """Store a new key for each account, and return the keys by account."""
    keys = KeyTable(dynamodb, table)
    created: dict[str, str] = {}
    for account in accounts:
        created[account], record = create_api_key(account, time.time())
        keys.add(record)
    return created
