"""Step Functions: what becomes of a task whose function fails."""

import json
import time
from typing import Any

from tests.probes.aws_setup import Ground
from tests.probes.probe import probes_of
from tests.probes.stepfunctions import GUIDE

probe = probes_of("Step Functions")


def task(function: str, **settings: Any) -> dict[str, Any]:
    """A state that calls a function, and says by which name its error was caught."""
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


@probe(
    "a task whose TimeoutSeconds are over",
    aws="States.Timeout",
    source=GUIDE + "concepts-error-handling.html",
)
def a_tasks_time(aws: Ground) -> str:
    slow = aws.function("import time\ndef handler(event, context):\n    time.sleep(3)\n")
    return caught(aws, task(slow, TimeoutSeconds=1))


def caught(aws: Ground, states: dict[str, Any]) -> str:
    """The name of the error that a task ended with."""
    ended = aws.ended(aws.start(aws.machine(states)))
    return str(json.loads(ended.get("output", "null")) or ended["status"])


REFUSING = """
class Refused(Exception): pass
def handler(event, context):
    raise Refused("no")
"""


@probe(
    "an exception of a Python function, as Catch sees it",
    aws="its class's name",
    source="lambda/latest/dg/python-exceptions.html",
)
def an_exceptions_name(aws: Ground) -> str:
    """The engine alone would say Runtime.HandlerError; local/engine.py corrects it."""
    name = caught(aws, task(aws.function(REFUSING)))
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


@probe(
    "Retry on the name of a Python function's exception",
    aws="is obeyed",
    source=GUIDE + "concepts-error-handling.html",
)
def a_retry_by_name(aws: Ground) -> str:
    again = {"ErrorEquals": ["Refused"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1.0}
    outcome = caught(aws, task(aws.function(COUNTING), Retry=[again]))
    return "is obeyed" if outcome == "3" else f"is not obeyed: {outcome}"


@probe(
    "a task whose function may not run at all (reserved concurrency 0)",
    aws="Lambda.TooManyRequestsException",
    engine="Lambda.Unknown",
    source=GUIDE + "connect-lambda.html",
    covered="both names are retried: the second retrier of each task is for States.ALL",
)
def a_throttled_function(aws: Ground) -> str:
    function = aws.function("def handler(event, context):\n    return 1\n")
    aws.functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    return caught(aws, task(function))


@probe(
    "a state's output of 300 KB",
    aws="States.DataLimitExceeded",
    engine="SUCCEEDED",
    source=GUIDE + "service-quotas.html",
    covered="unit/test_schemas.py: payloads carry ids and outcomes only",
)
def a_payload_too_large(aws: Ground) -> str:
    large = aws.function("def handler(event, context):\n    return 'x' * 300_000\n")
    states = task(large)
    del states["Call"]["Catch"], states["Caught"]
    told = aws.ended(aws.start(aws.machine(states)))
    return str(told.get("error") or told["status"])


@probe(
    "Retry with MaxDelaySeconds 1 and BackoffRate 40",
    aws="waits 1 s each time",
    engine="waits longer and longer",
    source=GUIDE + "concepts-error-handling.html",
    covered="only the wait is longer here; template/test_statemachine.py reads the retriers",
)
def a_longest_delay(aws: Ground) -> str:
    """Two waits, all of them a fifth as long here: of 0.2 s each, or the second one of 8 s."""
    again = {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 1,
        "BackoffRate": 40.0,
        "MaxAttempts": 2,
        "MaxDelaySeconds": 1,
    }
    function = aws.function(COUNTING)
    machine = aws.machine(task(function, Retry=[again]))
    begun = time.monotonic()
    told = aws.ended(aws.start(machine))
    assert told["status"] == "SUCCEEDED", told
    return "waits 1 s each time" if time.monotonic() - begun < 6 else "waits longer and longer"
