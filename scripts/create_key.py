"""Make an API key for an account, and print it: the only time that it can be seen.

    python scripts/create_key.py --stack rushes --account my-team
    python scripts/create_key.py --table TABLE --revoke KEY_ID

AWS is reached as boto3 is told to: by profile, by environment, or at AWS_ENDPOINT_URL.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.api.auth import create_api_key
from rushes.aws.dynamodb.lookup_tables import KeyTable
from rushes.errors import RushesError


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    where = arguments.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", help="the name of the deployed stack")
    where.add_argument("--table", help="or its output TableName")
    what = arguments.add_mutually_exclusive_group(required=True)
    what.add_argument("--account", help="who the key is for: it owns the jobs made with it")
    what.add_argument("--revoke", metavar="KEY_ID", help="the part between rk_ and the next _")
    asked = arguments.parse_args()
    try:
        act(asked)
    except (BotoCoreError, ClientError, RushesError, ValueError) as error:
        sys.exit(str(error))


def act(asked: argparse.Namespace) -> None:
    keys = KeyTable(boto3.client("dynamodb"), asked.table or table_of(asked.stack))
    if asked.revoke:
        revoke(keys, asked.revoke)
    else:
        key, record = create_api_key(asked.account, time.time())
        keys.add(record)
        print(key)


def table_of(stack: str) -> str:
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    return outputs["TableName"]


def revoke(keys: KeyTable, key_id: str) -> None:
    record = keys.get(key_id)
    if record is None:
        sys.exit(f"there is no key {key_id}")
    keys.add(replace(record, revoked=True))
    print(f"revoked {key_id} of {record.account}; warm functions may take it for a minute more")


if __name__ == "__main__":
    main()
