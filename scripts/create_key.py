"""Create an API key for an account and print it; it cannot be read later.

    python scripts/create_key.py --stack rushes --account my-team
    python scripts/create_key.py --table TABLE --revoke KEY_ID

boto3 finds AWS by profile, environment variables or AWS_ENDPOINT_URL.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.api.key_hashing import create_api_key
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.errors import RushesError


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    where = arguments.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", help="the name of the deployed stack")
    where.add_argument("--table", help="or its output TableName")
    what = arguments.add_mutually_exclusive_group(required=True)
    what.add_argument("--account", help="the account that owns the jobs created with the key")
    what.add_argument("--revoke", metavar="KEY_ID", help="the part between rk_ and the next _")
    args = arguments.parse_args()
    try:
        act(args)
    except (BotoCoreError, ClientError, RushesError, ValueError) as error:
        sys.exit(str(error))


def act(args: argparse.Namespace) -> None:
    keys = KeyTable(boto3.client("dynamodb"), args.table or table_of(args.stack))
    if args.revoke:
        revoke(keys, args.revoke)
    else:
        key, record = create_api_key(args.account, time.time())
        keys.add(record)
        print(key)


def table_of(stack: str) -> str:
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    return outputs["TableName"]


def revoke(keys: KeyTable, key_id: str) -> None:
    record = keys.get(key_id)
    if record is None:
        sys.exit(f"key {key_id} not found")
    keys.add(replace(record, revoked=True))
    print(f"revoked {key_id} of {record.account}; functions may accept it for one more minute")


if __name__ == "__main__":
    main()
