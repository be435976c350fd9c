"""Invoke a function of a deployed stack with a payload of events/invoke, and print its response.

    python scripts/invoke.py --stack rushes submit/first

boto3 finds AWS by profile, environment variables or AWS_ENDPOINT_URL.
"""

import argparse
import json
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

FOLDER = Path(__file__).parents[1] / "events/invoke"


def main() -> None:
    names = sorted(
        str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.glob("*/*.json")
    )
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--stack", default="rushes", help="the name of the deployed stack")
    arguments.add_argument("event", choices=names, metavar="FUNCTION/CASE", help=", ".join(names))
    args = arguments.parse_args()
    try:
        print(invoke(args.stack, args.event))
    except (BotoCoreError, ClientError) as error:
        sys.exit(str(error))


def invoke(stack: str, event: str) -> str:
    """Return the function's response, or exit with its error."""
    function = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId=f"{event.partition('/')[0].capitalize()}Function"
    )["StackResourceDetail"]["PhysicalResourceId"]
    answer = boto3.client("lambda").invoke(
        FunctionName=function, Payload=(FOLDER / f"{event}.json").read_bytes()
    )
    response = json.dumps(json.load(answer["Payload"]), indent=2)
    if answer.get("FunctionError"):
        sys.exit(response)
    return response


if __name__ == "__main__":
    main()
