"""Lambda: what comes of errors, throttles, batches and sizes."""

import json
import time
from typing import Any

from tests.probes.aws_setup import Ground, policy
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
