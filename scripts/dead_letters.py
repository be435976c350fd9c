"""Move the messages of a deployed stack's dead-letter queues back to their queues.

    python scripts/dead_letters.py --stack rushes

boto3 finds AWS by profile, environment variables or AWS_ENDPOINT_URL.
"""

import argparse
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

DEAD_LETTERS = (
    ("EventDeadLetterQueueUrl", "EventQueueUrl"),
    ("DeliveryDeadLetterQueueUrl", "DeliveryQueueUrl"),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--stack", required=True, help="the name of the deployed stack")
    stack = arguments.parse_args().stack
    try:
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        for dead, alive in DEAD_LETTERS:
            print(
                f"{_move(outputs[dead], outputs[alive])} message(s) moved back to {outputs[alive]}"
            )
    except (BotoCoreError, ClientError) as error:
        sys.exit(str(error))


def _move(source: str, target: str) -> int:
    sqs = boto3.client("sqs")
    moved = 0
    names: Any = ["MessageGroupId", "MessageDeduplicationId"]
    while True:
        reply = sqs.receive_message(
            QueueUrl=source,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=names,
            WaitTimeSeconds=3,  # long polling reads all hosts of the queue
        )
        for message in reply.get("Messages", []):
            place: Any = message.get("Attributes", {})
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"], **place)
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        if not reply.get("Messages"):
            return moved


if __name__ == "__main__":
    main()
