"""Step Functions: what starting, ending, stopping and going on mean."""

import json
from typing import Any

from tests.probes.aws_setup import Ground, until
from tests.probes.probe import answer, probes_of

probe = probes_of("Step Functions")

API = "step-functions/latest/apireference/"
GUIDE = "step-functions/latest/dg/"
NOTHING = {"Nothing": {"Type": "Pass", "End": True}}
BROKEN = {"Broken": {"Type": "Fail", "Error": "Broken", "Cause": "so"}}


def waiting(seconds: int = 900) -> dict[str, Any]:
    return {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}


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
    source=API + "API_UpdateStateMachine.html",
)
def a_definition_that_changes(aws: Ground) -> str:
    def ending(word: str) -> dict[str, Any]:
        wait = {"Type": "Wait", "Seconds": 15, "Next": "End"}
        return {"Wait": wait, "End": {"Type": "Pass", "Result": word, "End": True}}

    machine = aws.machine(ending("old"))
    execution = aws.start(machine)
    until(lambda: has_entered(aws, execution))  # before it, either definition may be taken
    changed = json.dumps({"StartAt": "Wait", "States": ending("new")})
    aws.stepfunctions.update_state_machine(stateMachineArn=machine, definition=changed)
    return f"goes on by the {json.loads(aws.ended(execution)['output'])} one"


def has_entered(aws: Ground, execution: str) -> bool:
    history = aws.stepfunctions.get_execution_history(executionArn=execution)["events"]
    return any(event["type"] == "WaitStateEntered" for event in history)


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
