"""Encrypt all webhook signing secrets of a stack with the current version of its key.

    python scripts/reencrypt_secrets.py --stack rushes

Endpoints of version 0.2.0 or earlier are encrypted for the first time. The script reads the whole
table. boto3 finds AWS by profile, environment variables or AWS_ENDPOINT_URL.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.aws.dynamodb.webhooks import EndpointTable
from rushes.aws.webhook_cipher import WebhookCipher
from rushes.errors import NotFound, RushesError
from rushes.webhooks.signing_secrets import SigningSecrets

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--stack", required=True, help="the name of the deployed stack")
    stack = arguments.parse_args().stack
    try:
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        count = reencrypt(boto3.client("dynamodb"), outputs["TableName"], outputs["WebhookKey"])
    except (BotoCoreError, ClientError, RushesError) as error:
        sys.exit(str(error))
    print(f"encrypted the secrets of {count} webhook endpoint(s) and account(s)")


def reencrypt(dynamodb: "DynamoDBClient", table: str, key: str) -> int:
    """Change each receiver's item on the condition that it is the one that was read."""
    endpoints = EndpointTable(dynamodb, table)
    cipher = WebhookCipher(lambda: boto3.client("secretsmanager"), key)
    signing_secrets = SigningSecrets(endpoints, cipher)
    count = 0
    for account, endpoint_id in _receivers(dynamodb, table):
        try:
            if endpoint_id:
                endpoints.change(account, endpoint_id, signing_secrets.encrypted_again)
            else:
                endpoints.change_request_secrets(account, signing_secrets.encrypted_again)
        except NotFound:  # deleted in the meantime
            continue
        count += 1
    return count


def _receivers(dynamodb: "DynamoDBClient", table: str) -> Iterator[tuple[str, str]]:
    """Yield accounts with an endpoint's id, or without for URLs of create requests."""
    search: Any = {
        "TableName": table,
        "ProjectionExpression": "pk, sk",
        "FilterExpression": "begins_with(pk, :endpoints) OR begins_with(pk, :requests)",
        "ExpressionAttributeValues": {
            ":endpoints": {"S": "ENDPOINTS#"},
            ":requests": {"S": "REQUESTS#"},
        },
    }
    for page in dynamodb.get_paginator("scan").paginate(**search):
        for item in page["Items"]:
            family, _, account = item["pk"]["S"].partition("#")
            yield account, item["sk"]["S"] if family == "ENDPOINTS" else ""


if __name__ == "__main__":
    main()
