"""Step Functions: what starting, ending, stopping and going on mean."""

import json
import time
from typing import Any

from tests.probes.ground import Ground
from tests.probes.probe import answer, probes_of

probe = probes_of("Step Functions")

API = "step-functions/latest/apireference/"
GUIDE = "step-functions/latest/dg/"
NOTHING = {"Nothing": {"Type": "Pass", "End": True}}
BROKEN = {"Broken": {"Type": "Fail", "Error": "Broken", "Cause": "so"}}


def waiting(seconds: int = 900) -> dict[str, Any]:
    return {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}


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
    "StartExecution with the name and the input of one that runs",
    aws="gives that one",
    engine="ExecutionAlreadyExists",
    source=API + "API_StartExecution.html",
    covered="executions.py takes either for success",
)
def same_start_while_it_runs(aws: Ground) -> str:
    machine = aws.machine(waiting())
    first = aws.start(machine, name="one", input="{}")
    again = answer(lambda: aws.start(machine, name="one", input="{}"), "gives that one")
    aws.stepfunctions.stop_execution(executionArn=first)
    return again


@probe(
    "StartExecution with the name of one that runs and another input",
    aws="ExecutionAlreadyExists",
    source=API + "API_StartExecution.html",
)
def other_start_while_it_runs(aws: Ground) -> str:
    machine = aws.machine(waiting())
    first = aws.start(machine, name="one", input="{}")
    again = answer(lambda: aws.start(machine, name="one", input='{"other": 1}'))
    aws.stepfunctions.stop_execution(executionArn=first)
    return again


@probe(
    "StartExecution with the name and the input of one that has ended",
    aws="ExecutionAlreadyExists",
    source=API + "API_StartExecution.html",
)
def same_start_after_its_end(aws: Ground) -> str:
    machine = aws.machine(NOTHING)
    aws.ended(aws.start(machine, name="one", input="{}"))
    return answer(lambda: aws.start(machine, name="one", input="{}"))


@probe(
    "StartExecution with a name of 81 characters",
    aws="refused",
    engine="accepted",
    source=API + "API_StartExecution.html",
    covered="probes/test_covers.py: a job's execution names stay below 80 characters",
)
def a_name_too_long(aws: Ground) -> str:
    machine = aws.machine(NOTHING)
    refused = answer(lambda: aws.start(machine, name="n" * 81))
    return refused if refused == "accepted" else "refused"


@probe(
    "an execution that waits while its machine is given another definition",
    aws="goes on by the old one",
    engine="goes on by the new one",
    source=API + "API_UpdateStateMachine.html",
    covered="contract/test_previous_release.py walks both definitions with old payloads",
)
def a_definition_that_changes(aws: Ground) -> str:
    def ending(word: str) -> dict[str, Any]:
        wait = {"Type": "Wait", "Seconds": 5, "Next": "End"}
        return {"Wait": wait, "End": {"Type": "Pass", "Result": word, "End": True}}

    machine = aws.machine(ending("old"))
    execution = aws.start(machine)
    changed = json.dumps({"StartAt": "Wait", "States": ending("new")})
    aws.stepfunctions.update_state_machine(stateMachineArn=machine, definition=changed)
    return f"goes on by the {json.loads(aws.ended(execution)['output'])} one"


@probe(
    "a machine whose TimeoutSeconds are over",
    aws="TIMED_OUT",
    engine="SUCCEEDED",
    source=GUIDE + "statemachine-structure.html",
    covered="the deadline is in the job's row: workflow/poll.py, and the sweeper for what is left",
)
def a_machines_time(aws: Ground) -> str:
    return str(aws.ended(aws.start(aws.machine(waiting(10), TimeoutSeconds=1)))["status"])


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
    "RedriveExecution of an execution that failed",
    aws="goes on from where it failed",
    engine="InvalidAction",
    source=API + "API_RedriveExecution.html",
    covered="nobody redrives: the sweeper starts the job's next execution",
)
def a_redrive(aws: Ground) -> str:
    execution = aws.start(aws.machine(BROKEN))
    aws.ended(execution)
    return answer(
        lambda: aws.stepfunctions.redrive_execution(executionArn=execution),
        "goes on from where it failed",
    )


@probe(
    "DescribeExecution after StopExecution",
    aws="ABORTED, with error, cause and stopDate",
    source=API + "API_StopExecution.html",
)
def a_stop(aws: Ground) -> str:
    execution = aws.start(aws.machine(waiting()))
    aws.stepfunctions.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    told = aws.ended(execution)
    there = [name for name in ("error", "cause", "stopDate") if told.get(name)]
    return f"{told['status']}, with {', '.join(there[:-1])} and {there[-1]}"


@probe(
    "DescribeExecution of one that was never started",
    aws="ExecutionDoesNotExist",
    source=API + "API_DescribeExecution.html",
)
def an_execution_that_is_not(aws: Ground) -> str:
    arn = aws.machine(NOTHING).replace(":stateMachine:", ":execution:") + ":never"
    return answer(lambda: aws.stepfunctions.describe_execution(executionArn=arn))


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
    "CreateStateMachine with a Next that leads nowhere",
    aws="InvalidDefinition",
    engine="accepted",
    source=API + "API_CreateStateMachine.html",
    covered="template/test_statemachine.py has statelint look at the definition",
)
def a_definition_that_leads_nowhere(aws: Ground) -> str:
    return answer(lambda: aws.machine({"Go": {"Type": "Pass", "Next": "Nowhere"}}))


def _status_changes(aws: Ground, status: str, states: dict[str, Any], *, stop: bool) -> str:
    """Which facts the default bus is told of an execution's end."""
    queue, rule, machine = aws.queue(), aws.name(), aws.machine(states)
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": [status], "stateMachineArn": [machine]},
    }
    aws.events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    aws.events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": aws.arn(queue)}])
    execution = aws.start(machine, input='{"job_id": "one"}')
    if stop:
        aws.stepfunctions.stop_execution(executionArn=execution)
    for body in aws.arriving(queue, 5):
        detail = json.loads(body)["detail"]
        if json.loads(detail.get("input") or "{}") == {"job_id": "one"}:
            return "are told, with the input"
        return "are told, without the input"
    return "are not told"


@probe(
    "status changes of executions that fail, on the default bus",
    aws="are told, with the input",
    source=GUIDE + "eventbridge-integration.html",
)
def status_failed(aws: Ground) -> str:
    return _status_changes(aws, "FAILED", BROKEN, stop=False)


@probe(
    "status changes of executions that are stopped, on the default bus",
    aws="are told, with the input",
    source=GUIDE + "eventbridge-integration.html",
)
def status_aborted(aws: Ground) -> str:
    return _status_changes(aws, "ABORTED", waiting(), stop=True)


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
