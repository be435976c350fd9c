"""API keys of a local stack: as scripts/create_key.py makes them, without starting a Python."""

import sys
import time
from typing import TYPE_CHECKING

from local.packaging import ROOT

sys.path.insert(0, str(ROOT / "layers/rushes"))  # after this the gateway's own code can be imported

from rushes.api.auth import create_api_key
from rushes.aws.dynamodb.lookup_tables import KeyTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_keys(
    dynamodb: "DynamoDBClient", table: str, accounts: tuple[str, ...]
) -> dict[str, str]:
    keys = KeyTable(dynamodb, table)
    created: dict[str, str] = {}
    for account in accounts:
        created[account], record = create_api_key(account, time.time())
        keys.add(record)
    return created
