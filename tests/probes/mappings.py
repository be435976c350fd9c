"""Lambda: batches from SQS and their concurrency."""

import json
import time
from itertools import islice
from typing import Any

from tests.probes.aws_setup import ECHO, AwsSetup
from tests.probes.lambdas import GUIDE
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("Lambda")


@probe("an SQS batch with one message in batchItemFailures")
@documented(
    "it is redelivered and becomes a dead letter; the others are deleted",
    GUIDE + "services-sqs-errorhandling.html",
)
def partial_batch_failure(aws: AwsSetup) -> str:
    dead = aws.queue()
    queue = aws.queue(VisibilityTimeout="5", RedrivePolicy=aws.redriven(3, dead))
    source = (
        "def handler(event, context):\n"
        "    bad = [one['messageId'] for one in event['Records'] if one['body'] == 'bad']\n"
        "    return {'batchItemFailures': [{'itemIdentifier': it} for it in bad]}\n"
    )
    function = aws.function(source, Timeout=5)
    aws.functions.invoke(FunctionName=function, Payload=b'{"Records": []}')  # warm from here on
    reported = ["ReportBatchItemFailures"]
    aws.invoke_by(queue, function, BatchSize=10, FunctionResponseTypes=reported)
    for body in ("good", "bad", "fine"):
        aws.sqs.send_message(QueueUrl=queue, MessageBody=body)
    given_up = [message["Body"] for message in aws.receive(dead, 120)]
    left = messages_in(aws, queue)
    if given_up == ["bad"] and not left:
        return "it is redelivered and becomes a dead letter; the others are deleted"
    return f"dead letters: {given_up}; left: {left}"


def messages_in(aws: AwsSetup, queue: str) -> int:
    """Return the number of visible and hidden messages."""
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=counts)["Attributes"]
    return sum(map(int, found.values()))


@probe("an SQS batch for a throttled function")
@documented("stays in the queue", GUIDE + "services-sqs-errorhandling.html")
def throttled_batch(aws: AwsSetup) -> str:
    queue = aws.queue(VisibilityTimeout="30")
    aws.invoke_by(queue, aws.throttled(ECHO), BatchSize=1)
    aws.sqs.send_message(QueueUrl=queue, MessageBody="one")
    time.sleep(3)
    return "stays in the queue" if messages_in(aws, queue) else "is deleted"


SLOW = """
import boto3, json, os, time
def handler(event, context):
    begun = time.time()
    time.sleep(4)
    result = json.dumps([begun, time.time()])
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=result)
"""


def max_concurrency(aws: AwsSetup, *, fifo: bool = False, **mapping: Any) -> int:
    """Return the maximum concurrency for six messages that take some seconds each."""
    queue = (aws.fifo if fifo else aws.queue)(VisibilityTimeout="30")
    results = aws.queue()
    function = aws.function(SLOW, Environment={"Variables": {"QUEUE": results}})
    for number in range(6):
        names = ("MessageGroupId", "MessageDeduplicationId") if fifo else ()
        place = dict.fromkeys(names, str(number))
        aws.sqs.send_message(QueueUrl=queue, MessageBody=str(number), **place)
    aws.invoke_by(queue, function, BatchSize=1, **mapping)
    times = [json.loads(body) for body in islice(aws.arriving(results, 120), 6)]
    return max(sum(int(begun <= moment < ended) for begun, ended in times) for moment, _ in times)


@probe("six messages at once, for a function that takes four seconds per message")
@documented("more than two at the same time", GUIDE + "services-sqs-scaling.html")
def concurrency(aws: AwsSetup) -> str:
    """The probe runs six processes per function; the local stack runs two, see local/engine.py."""
    most = max_concurrency(aws)
    return f"{'more than two' if most > 2 else most} at the same time"


@probe("the same with a MaximumConcurrency of 2")
@documented("2 at the same time", GUIDE + "services-sqs-scaling.html")
def concurrency_with_limit(aws: AwsSetup) -> str:
    return f"{max_concurrency(aws, ScalingConfig={'MaximumConcurrency': 2})} at the same time"


@probe("an event source mapping with a visibility timeout below the function timeout")
@documented("InvalidParameterValueException", GUIDE + "services-sqs-configure.html")
@differs("accepted", covered="probes/test_covers.py compares the two in the template")
def short_visibility_timeout(aws: AwsSetup) -> str:
    queue, function = aws.queue(VisibilityTimeout="5"), aws.function(ECHO)
    return answer(lambda: aws.invoke_by(queue, function))


@probe("a failed FIFO message, and the next message of its group")
@documented(
    "the next waits until the first succeeds or is a dead letter",
    GUIDE + "services-sqs-errorhandling.html",
)
def failed_message_in_group(aws: AwsSetup) -> str:
    results, dead = aws.queue(), aws.fifo()
    queue = aws.fifo(VisibilityTimeout="5", RedrivePolicy=aws.redriven(2, dead))
    source = (
        "import boto3, os\n"
        "def handler(event, context):\n"
        "    sqs = boto3.client('sqs')\n"
        "    for record in event['Records']:\n"
        "        sqs.send_message(QueueUrl=os.environ['QUEUE'], MessageBody=record['body'])\n"
        "        if record['body'] == 'bad': raise ValueError('no')\n"
    )
    function = aws.function(source, Timeout=5, Environment={"Variables": {"QUEUE": results}})
    aws.functions.invoke(FunctionName=function, Payload=b'{"Records": []}')  # warm from here on
    for body in ("bad", "good"):
        aws.sqs.send_message(
            QueueUrl=queue, MessageBody=body, MessageGroupId="a", MessageDeduplicationId=body
        )
    aws.invoke_by(queue, function, BatchSize=1)
    order = list(islice(aws.arriving(results, 120), 3))
    waited = order == ["bad", "bad", "good"]
    return "the next waits until the first succeeds or is a dead letter" if waited else f"{order}"


@probe("six messages of a FIFO queue at once, each with its own group")
@documented("more than two at the same time", GUIDE + "services-sqs-scaling.html")
def concurrency_of_fifo_groups(aws: AwsSetup) -> str:
    """local/engine.py corrects the engine, which processes one message after the other."""
    most = max_concurrency(aws, fifo=True)
    return f"{'more than two' if most > 2 else most} at the same time"
