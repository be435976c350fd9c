"""Lambda: batches from SQS, and how many at once."""

import json
import time
from itertools import islice
from typing import Any

from tests.probes.aws_setup import Ground
from tests.probes.lambdas import ECHO, GUIDE
from tests.probes.probe import answer, probes_of

probe = probes_of("Lambda")


@probe(
    "a batch from SQS of which one message is named in batchItemFailures",
    aws="that one comes again and ends as a dead letter; the others are gone",
    source=GUIDE + "services-sqs-errorhandling.html",
)
def a_batch_that_fails_in_part(aws: Ground) -> str:
    dead = aws.queue()
    queue = aws.queue(VisibilityTimeout="5", RedrivePolicy=aws.redriven(3, dead))
    source = (
        "def handler(event, context):\n"
        "    bad = [it for it in event['Records'] if it['body'] == 'bad']\n"
        "    return {'batchItemFailures': [{'itemIdentifier': it['messageId']} for it in bad]}\n"
    )
    function = aws.function(source, Timeout=5)
    aws.functions.invoke(FunctionName=function, Payload=b'{"Records": []}')  # warm from here on
    aws.functions.create_event_source_mapping(
        EventSourceArn=aws.arn(queue),
        FunctionName=function,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for body in ("good", "bad", "fine"):
        aws.sqs.send_message(QueueUrl=queue, MessageBody=body)
    given_up = [message["Body"] for message in aws.receive(dead, 40)]
    left = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    if given_up == ["bad"] and not any(int(left[name]) for name in counts):
        return "that one comes again and ends as a dead letter; the others are gone"
    return f"dead letters: {given_up}; left: {[left[name] for name in counts]}"


@probe(
    "a batch from SQS whose function is throttled",
    aws="waits in the queue",
    source=GUIDE + "services-sqs-errorhandling.html",
)
def a_batch_that_is_throttled(aws: Ground) -> str:
    queue = aws.queue(VisibilityTimeout="30")
    function = aws.function(ECHO)
    aws.functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    aws.functions.create_event_source_mapping(
        EventSourceArn=aws.arn(queue), FunctionName=function, BatchSize=1
    )
    aws.sqs.send_message(QueueUrl=queue, MessageBody="one")
    time.sleep(3)
    left = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return "waits in the queue" if any(int(left[name]) for name in counts) else "is gone"


SLOW = """
import boto3, json, os, time
def handler(event, context):
    begun = time.time()
    time.sleep(1)
    told = json.dumps([begun, time.time()])
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=told)
"""


def most_at_once(aws: Ground, *, fifo: bool = False, **mapping: Any) -> int:
    """How many of six messages were worked on at the same time, with a second for each."""
    kind = {"FifoQueue": "true"} if fifo else {}
    queue = aws.queue(aws.name() + (".fifo" if fifo else ""), VisibilityTimeout="30", **kind)
    results = aws.queue()
    function = aws.function(SLOW, Environment={"Variables": {"QUEUE": results}})
    for number in range(6):
        place = (
            {"MessageGroupId": f"{number}", "MessageDeduplicationId": f"{number}"} if fifo else {}
        )
        aws.sqs.send_message(QueueUrl=queue, MessageBody=str(number), **place)
    aws.functions.create_event_source_mapping(
        EventSourceArn=aws.arn(queue), FunctionName=function, BatchSize=1, **mapping
    )
    times = [json.loads(body) for body in islice(aws.arriving(results, 25), 6)]
    return max(sum(int(begun <= moment < ended) for begun, ended in times) for moment, _ in times)


@probe(
    "six messages at once, for a function that takes a second for each",
    aws="more than two at the same time",
    source=GUIDE + "services-sqs-scaling.html",
)
def a_crowd(aws: Ground) -> str:
    """With six processes for each function; the local stack keeps to two, see local/engine.py."""
    most = most_at_once(aws)
    return f"{'more than two' if most > 2 else most} at the same time"


@probe(
    "the same with a MaximumConcurrency of 2",
    aws="2 at the same time",
    source=GUIDE + "services-sqs-scaling.html",
)
def a_crowd_that_is_held_back(aws: Ground) -> str:
    return f"{most_at_once(aws, ScalingConfig={'MaximumConcurrency': 2})} at the same time"


@probe(
    "a mapping of a queue that hides messages for less than the function may take",
    aws="InvalidParameterValueException",
    engine="accepted",
    source=GUIDE + "services-sqs-configure.html",
    covered="probes/test_covers.py compares the two in the template",
)
def a_queue_that_hides_too_briefly(aws: Ground) -> str:
    queue, function = aws.queue(VisibilityTimeout="5"), aws.function(ECHO)
    return answer(
        lambda: aws.functions.create_event_source_mapping(
            EventSourceArn=aws.arn(queue), FunctionName=function
        )
    )


@probe(
    "a FIFO message that a function fails on, and the next of its group",
    aws="the next waits until the first succeeds or is a dead letter",
    source=GUIDE + "services-sqs-errorhandling.html",
)
def a_group_that_fails(aws: Ground) -> str:
    results, dead = aws.queue(), aws.queue(aws.name() + ".fifo", FifoQueue="true")
    policy = aws.redriven(2, dead)
    settings = {"FifoQueue": "true", "VisibilityTimeout": "5", "RedrivePolicy": policy}
    queue = aws.queue(aws.name() + ".fifo", **settings)
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
    aws.functions.create_event_source_mapping(
        EventSourceArn=aws.arn(queue), FunctionName=function, BatchSize=1
    )
    order = list(islice(aws.arriving(results, 25), 3))
    waited = order == ["bad", "bad", "good"]
    return "the next waits until the first succeeds or is a dead letter" if waited else f"{order}"


@probe(
    "six messages of a FIFO queue at once, each of a group of its own",
    aws="more than two at the same time",
    source=GUIDE + "services-sqs-scaling.html",
)
def a_crowd_of_groups(aws: Ground) -> str:
    """The engine alone would take one after the other; local/engine.py corrects it."""
    most = most_at_once(aws, fifo=True)
    return f"{'more than two' if most > 2 else most} at the same time"
