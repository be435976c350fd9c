"""Make an API key for an account, and print it: the only time that it can be seen.

    python scripts/create_key.py --account demo --table TABLE [--revoke KEY_ID]

AWS is reached as boto3 is told to: by profile, by environment, or at AWS_ENDPOINT_URL.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.auth import mint_key
from rushes.store import KeyTable


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--table", required=True, help="the stack's output TableName")
    arguments.add_argument("--account", help="who the key is for: it owns the jobs made with it")
    arguments.add_argument("--revoke", metavar="KEY_ID", help="the part between rk_ and the next _")
    asked = arguments.parse_args()
    keys = KeyTable(boto3.client("dynamodb"), asked.table)
    if asked.revoke:
        revoke(keys, asked.revoke)
    elif asked.account:
        key, record = mint_key(asked.account, time.time())
        keys.add(record)
        print(key)
    else:
        arguments.error("either --account or --revoke")


def revoke(keys: KeyTable, key_id: str) -> None:
    record = keys.get(key_id)
    if record is None:
        sys.exit(f"there is no key {key_id}")
    keys.add(replace(record, revoked=True))
    print(f"revoked {key_id} of {record.account}; warm functions may take it for a minute more")


if __name__ == "__main__":
    main()
