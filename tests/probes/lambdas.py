"""Lambda: errors, throttles, asynchronous invocations and sizes."""

import json
import time
from typing import Any

from tests.probes.aws_setup import ECHO, RAISING, AwsSetup, policy
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("Lambda")

GUIDE = "lambda/latest/dg/"


def invoke(aws: AwsSetup, function: str, payload: Any = None) -> dict[str, Any]:
    reply = aws.functions.invoke(FunctionName=function, Payload=json.dumps(payload))
    return {**reply, "result": json.loads(reply["Payload"].read())}


@probe("an exception in the response of Invoke")
@documented("200, Unhandled, its class's name and message", GUIDE + "python-exceptions.html")
def unhandled_exception(aws: AwsSetup) -> str:
    reply = invoke(aws, aws.function(RAISING))
    result = (reply["result"]["errorType"], reply["result"]["errorMessage"])
    known = "its class's name and message" if result == ("Refused", "no") else f"{result}"
    return f"{reply['StatusCode']}, {reply['FunctionError']}, {known}"


@probe("global state of a function after an exception")
@documented("is kept", GUIDE + "lambda-runtime-environment.html")
def state_after_exception(aws: AwsSetup) -> str:
    source = (
        "calls = []\n"
        "def handler(event, context):\n"
        "    calls.append(1)\n"
        "    if event: raise ValueError('no')\n"
        "    return len(calls)\n"
    )
    function = aws.function(source)
    invoke(aws, function, payload=True)
    return "is kept" if invoke(aws, function)["result"] == 2 else "is lost"


@probe("a function beyond its Timeout")
@documented("Unhandled: Sandbox.Timedout", GUIDE + "troubleshooting-invocation.html")
def function_timeout(aws: AwsSetup) -> str:
    slow = "import time\ndef handler(event, context):\n    time.sleep(5)\n"
    reply = invoke(aws, aws.function(slow, Timeout=1))
    return f"{reply['FunctionError']}: {reply['result'].get('errorType')}"


@probe("Invoke of a function with a reserved concurrency of 0")
@documented("TooManyRequestsException", GUIDE + "configuration-concurrency.html")
def throttled_invoke(aws: AwsSetup) -> str:
    function = aws.throttled(ECHO)
    return answer(lambda: invoke(aws, function))


@probe("an asynchronous event that always fails")
@documented(
    "3 tries over three minutes, then the destination for failures",
    GUIDE + "invocation-async-error-handling.html",
)
@differs(
    "3 tries within seconds, then the destination for failures",
    covered="only rules and schedules invoke our functions asynchronously, and they repeat",
)
def failing_asynchronous_event(aws: AwsSetup) -> str:
    failures, function = aws.queue(), aws.function(RAISING)
    aws.functions.put_function_event_invoke_config(
        FunctionName=function,
        DestinationConfig={"OnFailure": {"Destination": aws.arn(failures)}},
    )
    begun = time.monotonic()
    aws.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
    for body in aws.arriving(failures, 300):
        tries = json.loads(body)["requestContext"]["approximateInvokeCount"]
        took = "within seconds" if time.monotonic() - begun < 120 else "over three minutes"
        return f"{tries} tries {took}, then the destination for failures"
    return "the destination for failures gets nothing"


@probe("a response of more than 6 MB")
@documented("Unhandled: Function.ResponseSizeTooLarge", GUIDE + "gettingstarted-limits.html")
def response_too_large(aws: AwsSetup) -> str:
    function = aws.function("def handler(event, context):\n    return 'x' * 7_000_000\n")
    reply = invoke(aws, function)
    if "FunctionError" not in reply:
        return "accepted"
    return f"{reply['FunctionError']}: {reply['result'].get('errorType')}"


@probe("Invoke with a payload of more than 6 MB")
@documented("RequestEntityTooLargeException", "lambda/latest/api/API_Invoke.html")
def payload_too_large(aws: AwsSetup) -> str:
    function = aws.function(ECHO)
    return answer(lambda: invoke(aws, function, "x" * 6_300_000))


@probe("an asynchronous Invoke with a payload of more than 1 MB")
@documented("RequestEntityTooLargeException", GUIDE + "gettingstarted-limits.html")
def asynchronous_payload_too_large(aws: AwsSetup) -> str:
    function, payload = aws.function(ECHO), json.dumps("x" * 1_100_000)
    return answer(
        lambda: aws.functions.invoke(FunctionName=function, InvocationType="Event", Payload=payload)
    )


@probe("an action that the function's role lacks")
@documented("is refused", "IAM/latest/UserGuide/reference_policies_evaluation-logic.html")
def role_without_permission(aws: AwsSetup) -> str:
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
    result = invoke(aws, aws.function(source, Role=arn))["result"]
    return "is refused" if "AccessDenied" in str(result) else str(result)
