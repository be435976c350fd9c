"""Step Functions: tasks whose function fails."""

import json
import time
from typing import Any

from tests.probes.aws_setup import ECHO, RAISING, AwsSetup
from tests.probes.probe import differs, documented, probes_of
from tests.probes.stepfunctions import GUIDE

probe = probes_of("Step Functions")


def task(function: str, **settings: Any) -> dict[str, Any]:
    """Return states that call a function and output the name of a caught error."""
    caught = [
        {"ErrorEquals": [name], "ResultPath": "$.error", "Next": "Caught"}
        for name in ("Refused", "Lambda.TooManyRequestsException", "States.Timeout", "States.ALL")
    ]
    return {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": function, "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Catch": caught,
            "End": True,
            **settings,
        },
        "Caught": {"Type": "Pass", "OutputPath": "$.error.Error", "End": True},
    }


@probe("a task after its TimeoutSeconds")
@documented("States.Timeout", GUIDE + "concepts-error-handling.html")
def task_timeout(aws: AwsSetup) -> str:
    slow = aws.function("import time\ndef handler(event, context):\n    time.sleep(3)\n")
    return caught(aws, task(slow, TimeoutSeconds=1))


def caught(aws: AwsSetup, states: dict[str, Any]) -> str:
    """Return the name of the error that ended the task."""
    ended = aws.ended(aws.start(aws.machine(states)))
    return str(json.loads(ended.get("output", "null")) or ended["status"])


@probe("an exception of a Python function, in Catch")
@documented("its class's name", "lambda/latest/dg/python-exceptions.html")
def exception_name_in_catch(aws: AwsSetup) -> str:
    """local/engine.py corrects the engine, which reports Runtime.HandlerError."""
    name = caught(aws, task(aws.function(RAISING)))
    return "its class's name" if name == "Refused" else name


COUNTING = """
tries = []
class Refused(Exception): pass
def handler(event, context):
    tries.append(1)
    if len(tries) < 3:
        raise Refused("not yet")
    return len(tries)
"""


@probe("Retry on the name of a Python function's exception")
@documented("works", GUIDE + "concepts-error-handling.html")
def retry_by_exception_name(aws: AwsSetup) -> str:
    again = {"ErrorEquals": ["Refused"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1.0}
    outcome = caught(aws, task(aws.function(COUNTING), Retry=[again]))
    return "works" if outcome == "3" else f"does not work: {outcome}"


@probe("a task with a throttled function (reserved concurrency 0)")
@documented("Lambda.TooManyRequestsException", GUIDE + "connect-lambda.html")
@differs(
    "Lambda.Unknown",
    covered="both names are retried: the second retrier of each task is for States.ALL",
)
def throttled_function(aws: AwsSetup) -> str:
    return caught(aws, task(aws.throttled(ECHO)))


@probe("a state's output of 300 KB")
@documented("States.DataLimitExceeded", GUIDE + "service-quotas.html")
@differs("SUCCEEDED", covered="unit/test_event_files.py: payloads carry ids and outcomes only")
def payload_too_large(aws: AwsSetup) -> str:
    large = aws.function("def handler(event, context):\n    return 'x' * 300_000\n")
    states = task(large)
    del states["Call"]["Catch"], states["Caught"]
    result = aws.ended(aws.start(aws.machine(states)))
    return str(result.get("error") or result["status"])


@probe("Retry with MaxDelaySeconds 1 and BackoffRate 40")
@documented("waits 1 s each time", GUIDE + "concepts-error-handling.html")
@differs(
    "waits longer and longer",
    covered="only the wait is longer here; template/test_statemachine.py reads the retriers",
)
def max_delay(aws: AwsSetup) -> str:
    """Two waits at a fifth of their length: 0.2 s each, or 8 s for the second one."""
    again = {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 1,
        "BackoffRate": 40.0,
        "MaxAttempts": 2,
        "MaxDelaySeconds": 1,
    }
    machine = aws.machine(task(aws.function(COUNTING), Retry=[again]))
    begun = time.monotonic()
    result = aws.ended(aws.start(machine))
    assert result["status"] == "SUCCEEDED", result
    return "waits 1 s each time" if time.monotonic() - begun < 6 else "waits longer and longer"
