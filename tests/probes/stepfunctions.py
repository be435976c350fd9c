"""Step Functions: start, end, stop and redrive of executions."""

import json
from typing import Any

from tests.probes.aws_setup import LIMIT, AwsSetup, until
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("Step Functions")

API = "step-functions/latest/apireference/"
GUIDE = "step-functions/latest/dg/"
PASS = {"Pass": {"Type": "Pass", "End": True}}
FAIL = {"Broken": {"Type": "Fail", "Error": "Broken", "Cause": "so"}}


def waiting(seconds: int = 900) -> dict[str, Any]:
    return {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}


@probe("StartExecution with the name and the input of a running execution")
@documented("returns the running execution", API + "API_StartExecution.html")
@differs("ExecutionAlreadyExists", covered="aws/step_functions.py accepts both as success")
def same_start_of_running_execution(aws: AwsSetup) -> str:
    return second_start(aws, "{}", "returns the running execution")


def second_start(aws: AwsSetup, content: str, accepted: str = "accepted") -> str:
    """Start an execution with the name of a running one."""
    machine = aws.machine(waiting())
    first = aws.start(machine, name="one", input="{}")
    again = answer(lambda: aws.start(machine, name="one", input=content), accepted)
    aws.stepfunctions.stop_execution(executionArn=first)
    return again


@probe("StartExecution with the name of a running execution and another input")
@documented("ExecutionAlreadyExists", API + "API_StartExecution.html")
def other_start_of_running_execution(aws: AwsSetup) -> str:
    return second_start(aws, '{"other": 1}')


@probe("StartExecution with the name and the input of an ended execution")
@documented("ExecutionAlreadyExists", API + "API_StartExecution.html")
def same_start_of_ended_execution(aws: AwsSetup) -> str:
    machine = aws.machine(PASS)
    aws.ended(aws.start(machine, name="one", input="{}"))
    return answer(lambda: aws.start(machine, name="one", input="{}"))


@probe("StartExecution with a name of 81 characters")
@documented("refused", API + "API_StartExecution.html")
@differs(
    "accepted", covered="probes/test_covers.py: a job's execution names stay below 80 characters"
)
def name_of_81_characters(aws: AwsSetup) -> str:
    machine = aws.machine(PASS)
    refused = answer(lambda: aws.start(machine, name="n" * 81))
    return refused if refused == "accepted" else "refused"


@probe("UpdateStateMachine while an execution waits")
@documented("continues with the old definition", API + "API_UpdateStateMachine.html")
def update_during_execution(aws: AwsSetup) -> str:
    def definition(result: str) -> dict[str, Any]:
        wait = {"Type": "Wait", "Seconds": 50, "Next": "End"}
        return {"Wait": wait, "End": {"Type": "Pass", "Result": result, "End": True}}

    machine = aws.machine(definition("old"))
    execution = aws.start(machine)
    until(lambda: has_entered(aws, execution))  # before it, either definition may apply
    changed = json.dumps({"StartAt": "Wait", "States": definition("new")})
    aws.stepfunctions.update_state_machine(stateMachineArn=machine, definition=changed)
    return f"continues with the {json.loads(aws.ended(execution)['output'])} definition"


def has_entered(aws: AwsSetup, execution: str) -> bool:
    history = aws.stepfunctions.get_execution_history(executionArn=execution)["events"]
    return any(event["type"] == "WaitStateEntered" for event in history)


@probe("a state machine after its TimeoutSeconds")
@documented("TIMED_OUT", GUIDE + "statemachine-structure.html")
@differs(
    "SUCCEEDED",
    covered="the deadline is in the job's item: workflow/poll.py; the sweeper handles the rest",
)
def state_machine_timeout(aws: AwsSetup) -> str:
    return str(aws.ended(aws.start(aws.machine(waiting(10), TimeoutSeconds=1)))["status"])


@probe("RedriveExecution of a failed execution")
@documented("continues at the failed state", API + "API_RedriveExecution.html")
@differs(
    "InvalidAction",
    covered="the project does not redrive: the sweeper starts the job's next execution",
)
def redrive_execution(aws: AwsSetup) -> str:
    execution = aws.start(aws.machine(FAIL))
    aws.ended(execution)
    redrive = aws.stepfunctions.redrive_execution
    return answer(lambda: redrive(executionArn=execution), "continues at the failed state")


@probe("DescribeExecution after StopExecution")
@documented("ABORTED, with error, cause and stopDate", API + "API_StopExecution.html")
def stop_execution(aws: AwsSetup) -> str:
    execution = aws.start(aws.machine(waiting()))
    aws.stepfunctions.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    result = aws.ended(execution)
    there = [name for name in ("error", "cause", "stopDate") if result.get(name)]
    return f"{result['status']}, with {', '.join(there[:-1])} and {there[-1]}"


@probe("DescribeExecution of an unknown execution")
@documented("ExecutionDoesNotExist", API + "API_DescribeExecution.html")
def describe_unknown_execution(aws: AwsSetup) -> str:
    arn = aws.machine(PASS).replace(":stateMachine:", ":execution:") + ":never"
    return answer(lambda: aws.stepfunctions.describe_execution(executionArn=arn))


@probe("CreateStateMachine with an unknown Next")
@documented("InvalidDefinition", API + "API_CreateStateMachine.html")
@differs("accepted", covered="template/test_statemachine.py runs statelint")
def definition_with_unknown_next(aws: AwsSetup) -> str:
    return answer(lambda: aws.machine({"Go": {"Type": "Pass", "Next": "Undefined"}}))


def _status_changes(aws: AwsSetup, status: str, states: dict[str, Any], *, stop: bool) -> str:
    """Return the status changes that the default bus reports at an execution's end."""
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
    for body in aws.arriving(queue, LIMIT):
        detail = json.loads(body)["detail"]
        if json.loads(detail.get("input") or "{}") == {"job_id": "one"}:
            return "published, with the input"
        return "published, without the input"
    return "not published"


@probe("status changes of failed executions, on the default bus")
@documented("published, with the input", GUIDE + "eventbridge-integration.html")
def status_failed(aws: AwsSetup) -> str:
    return _status_changes(aws, "FAILED", FAIL, stop=False)


@probe("status changes of stopped executions, on the default bus")
@documented("published, with the input", GUIDE + "eventbridge-integration.html")
def status_aborted(aws: AwsSetup) -> str:
    return _status_changes(aws, "ABORTED", waiting(), stop=True)
