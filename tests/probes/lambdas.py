"""Lambda: what comes of errors, throttles, batches and sizes."""

import json
import time
from itertools import islice
from typing import Any

from tests.probes.ground import Ground, policy
from tests.probes.probe import answer, probes_of

probe = probes_of("Lambda")

GUIDE = "lambda/latest/dg/"
ECHO = "def handler(event, context):\n    return event\n"
RAISING = "class Refused(Exception): pass\ndef handler(event, context):\n    raise Refused('no')\n"


def invoke(aws: Ground, function: str, payload: Any = None) -> dict[str, Any]:
    reply = aws.functions.invoke(FunctionName=function, Payload=json.dumps(payload))
    return {**reply, "told": json.loads(reply["Payload"].read())}


@probe(
    "an exception, as Invoke tells of it",
    aws="200, Unhandled, its class's name and message",
    source=GUIDE + "python-exceptions.html",
)
def an_exception(aws: Ground) -> str:
    reply = invoke(aws, aws.function(RAISING))
    told = (reply["told"]["errorType"], reply["told"]["errorMessage"])
    known = "its class's name and message" if told == ("Refused", "no") else f"{told}"
    return f"{reply['StatusCode']}, {reply['FunctionError']}, {known}"


@probe(
    "what a function remembered before an exception",
    aws="is still there",
    source=GUIDE + "lambda-runtime-environment.html",
)
def a_memory(aws: Ground) -> str:
    source = (
        "calls = []\n"
        "def handler(event, context):\n"
        "    calls.append(1)\n"
        "    if event: raise ValueError('no')\n"
        "    return len(calls)\n"
    )
    function = aws.function(source)
    invoke(aws, function, payload=True)
    return "is still there" if invoke(aws, function)["told"] == 2 else "is gone"


@probe(
    "a function that runs longer than its Timeout",
    aws="Unhandled: Sandbox.Timedout",
    source=GUIDE + "troubleshooting-invocation.html",
)
def a_timeout(aws: Ground) -> str:
    slow = "import time\ndef handler(event, context):\n    time.sleep(5)\n"
    reply = invoke(aws, aws.function(slow, Timeout=1))
    return f"{reply['FunctionError']}: {reply['told'].get('errorType')}"


@probe(
    "Invoke of a function with a reserved concurrency of 0",
    aws="TooManyRequestsException",
    source=GUIDE + "configuration-concurrency.html",
)
def a_throttle(aws: Ground) -> str:
    function = aws.function(ECHO)
    aws.functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    return answer(lambda: invoke(aws, function))


@probe(
    "an event that a function fails on every time",
    aws="3 tries over three minutes, then the destination for failures",
    engine="3 tries within seconds, then the destination for failures",
    source=GUIDE + "invocation-async-error-handling.html",
    covered="nothing of ours is invoked so but by rules and schedules, which come again",
)
def an_event_that_fails(aws: Ground) -> str:
    failures, function = aws.queue(), aws.function(RAISING)
    aws.functions.put_function_event_invoke_config(
        FunctionName=function,
        DestinationConfig={"OnFailure": {"Destination": aws.arn(failures)}},
    )
    begun = time.monotonic()
    aws.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
    for body in aws.arriving(failures, 25):
        tries = json.loads(body)["requestContext"]["approximateInvokeCount"]
        took = "within seconds" if time.monotonic() - begun < 20 else "over three minutes"
        return f"{tries} tries {took}, then the destination for failures"
    return "the destination for failures is told nothing"


@probe(
    "a batch from SQS of which one message is named in batchItemFailures",
    aws="that one comes again and ends as a dead letter; the others are gone",
    source=GUIDE + "services-sqs-errorhandling.html",
)
def a_batch_that_fails_in_part(aws: Ground) -> str:
    dead = aws.queue()
    queue = aws.queue(VisibilityTimeout="4", RedrivePolicy=aws.redriven(2, dead))
    source = (
        "def handler(event, context):\n"
        "    bad = [it for it in event['Records'] if it['body'] == 'bad']\n"
        "    return {'batchItemFailures': [{'itemIdentifier': it['messageId']} for it in bad]}\n"
    )
    function = aws.function(source, Timeout=4)
    aws.functions.create_event_source_mapping(
        EventSourceArn=aws.arn(queue),
        FunctionName=function,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for body in ("good", "bad", "fine"):
        aws.sqs.send_message(QueueUrl=queue, MessageBody=body)
    given_up = [message["Body"] for message in aws.receive(dead, 25)]
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


@probe(
    "an answer of more than 6 MB",
    aws="Unhandled: Function.ResponseSizeTooLarge",
    engine="accepted",
    source=GUIDE + "gettingstarted-limits.html",
    covered="service.py cuts pages to 3 MB; content is a redirect to a link",
)
def an_answer_too_large(aws: Ground) -> str:
    function = aws.function("def handler(event, context):\n    return 'x' * 7_000_000\n")
    reply = invoke(aws, function)
    if "FunctionError" not in reply:
        return "accepted"
    return f"{reply['FunctionError']}: {reply['told'].get('errorType')}"


@probe(
    "an action that the function's role does not allow",
    aws="is refused",
    source="IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
)
def a_role_without_rights(aws: Ground) -> str:
    role, trusted = aws.name(), {"Service": "lambda.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    arn = aws.iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    source = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        boto3.client('sqs').list_queues()\n"
        "    except Exception as error:\n"
        "        return str(error.response['Error']['Code'])\n"
        "    return 'accepted'\n"
    )
    told = invoke(aws, aws.function(source, Role=arn))["told"]
    return "is refused" if "AccessDenied" in str(told) else str(told)


SLOW = """
import boto3, json, os, time
def handler(event, context):
    begun = time.time()
    time.sleep(1)
    told = json.dumps([begun, time.time()])
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=told)
"""


def most_at_once(aws: Ground, **mapping: Any) -> int:
    """How many of six messages were worked on at the same time, with a second for each."""
    queue, results = aws.queue(VisibilityTimeout="30"), aws.queue()
    function = aws.function(SLOW, Environment={"Variables": {"QUEUE": results}})
    for number in range(6):
        aws.sqs.send_message(QueueUrl=queue, MessageBody=str(number))
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
    settings = {"FifoQueue": "true", "VisibilityTimeout": "3", "RedrivePolicy": policy}
    queue = aws.queue(aws.name() + ".fifo", **settings)
    source = (
        "import boto3, os\n"
        "def handler(event, context):\n"
        "    (record,) = event['Records']\n"
        "    boto3.client('sqs').send_message(\n"
        "        QueueUrl=os.environ['QUEUE'], MessageBody=record['body'])\n"
        "    if record['body'] == 'bad': raise ValueError('no')\n"
    )
    function = aws.function(source, Timeout=3, Environment={"Variables": {"QUEUE": results}})
    for body in ("bad", "good"):
        aws.sqs.send_message(
            QueueUrl=queue, MessageBody=body, MessageGroupId="a", MessageDeduplicationId=body
        )
    aws.functions.create_event_source_mapping(
        EventSourceArn=aws.arn(queue), FunctionName=function, BatchSize=1
    )
    order = list(islice(aws.arriving(results, 20), 3))
    waited = order == ["bad", "bad", "good"]
    return "the next waits until the first succeeds or is a dead letter" if waited else f"{order}"
