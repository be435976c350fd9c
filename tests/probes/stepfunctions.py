"""Step Functions: start, end, stop and redrive of executions."""

import json
from typing import Any

from tests.probes.aws_setup import LIMIT, AwsSetup, until
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("Step Functions")

API = "step-functions/latest/apireference/"
GUIDE = "step-functions/latest/dg/"
NOTHING = {"Nothing": {"Type": "Pass", "End": True}}
BROKEN = {"Broken": {"Type": "Fail", "Error": "Broken", "Cause": "so"}}


def waiting(seconds: int = 900) -> dict[str, Any]:
    return {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}


@probe("StartExecution with the name and the input of one that runs")
@documented("gives that one", API + "API_StartExecution.html")
@differs("ExecutionAlreadyExists", covered="aws/step_functions.py accepts both as success")
def same_start_while_it_runs(aws: AwsSetup) -> str:
    return second_start(aws, "{}", "gives that one")


def second_start(aws: AwsSetup, content: str, accepted: str = "accepted") -> str:
    """Start an execution with the name of a running one."""
    machine = aws.machine(waiting())
    first = aws.start(machine, name="one", input="{}")
    again = answer(lambda: aws.start(machine, name="one", input=content), accepted)
    aws.stepfunctions.stop_execution(executionArn=first)
    return again


@probe("StartExecution with the name of one that runs and another input")
@documented("ExecutionAlreadyExists", API + "API_StartExecution.html")
def other_start_while_it_runs(aws: AwsSetup) -> str:
    return second_start(aws, '{"other": 1}')


@probe("StartExecution with the name and the input of one that has ended")
@documented("ExecutionAlreadyExists", API + "API_StartExecution.html")
def same_start_after_its_end(aws: AwsSetup) -> str:
    machine = aws.machine(NOTHING)
    aws.ended(aws.start(machine, name="one", input="{}"))
    return answer(lambda: aws.start(machine, name="one", input="{}"))


@probe("StartExecution with a name of 81 characters")
@documented("refused", API + "API_StartExecution.html")
@differs(
    "accepted", covered="probes/test_covers.py: a job's execution names stay below 80 characters"
)
def a_name_too_long(aws: AwsSetup) -> str:
    machine = aws.machine(NOTHING)
    refused = answer(lambda: aws.start(machine, name="n" * 81))
    return refused if refused == "accepted" else "refused"


@probe("an execution that waits while its machine is given another definition")
@documented("continues with the old one", API + "API_UpdateStateMachine.html")
def a_definition_that_changes(aws: AwsSetup) -> str:
    def ending(word: str) -> dict[str, Any]:
        wait = {"Type": "Wait", "Seconds": 50, "Next": "End"}
        return {"Wait": wait, "End": {"Type": "Pass", "Result": word, "End": True}}

    machine = aws.machine(ending("old"))
    execution = aws.start(machine)
    until(lambda: has_entered(aws, execution))  # before it, either definition may be taken
    changed = json.dumps({"StartAt": "Wait", "States": ending("new")})
    aws.stepfunctions.update_state_machine(stateMachineArn=machine, definition=changed)
    return f"continues with the {json.loads(aws.ended(execution)['output'])} one"


def has_entered(aws: AwsSetup, execution: str) -> bool:
    history = aws.stepfunctions.get_execution_history(executionArn=execution)["events"]
    return any(event["type"] == "WaitStateEntered" for event in history)


@probe("a machine whose TimeoutSeconds are over")
@documented("TIMED_OUT", GUIDE + "statemachine-structure.html")
@differs(
    "SUCCEEDED",
    covered="the deadline is in the job's item: workflow/poll.py; the sweeper handles the rest",
)
def a_machines_time(aws: AwsSetup) -> str:
    return str(aws.ended(aws.start(aws.machine(waiting(10), TimeoutSeconds=1)))["status"])


@probe("RedriveExecution of an execution that failed")
@documented("continues at the failed state", API + "API_RedriveExecution.html")
@differs(
    "InvalidAction",
    covered="the project does not redrive: the sweeper starts the job's next execution",
)
def a_redrive(aws: AwsSetup) -> str:
    execution = aws.start(aws.machine(BROKEN))
    aws.ended(execution)
    redrive = aws.stepfunctions.redrive_execution
    return answer(lambda: redrive(executionArn=execution), "continues at the failed state")


@probe("DescribeExecution after StopExecution")
@documented("ABORTED, with error, cause and stopDate", API + "API_StopExecution.html")
def a_stop(aws: AwsSetup) -> str:
    execution = aws.start(aws.machine(waiting()))
    aws.stepfunctions.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    result = aws.ended(execution)
    there = [name for name in ("error", "cause", "stopDate") if result.get(name)]
    return f"{result['status']}, with {', '.join(there[:-1])} and {there[-1]}"


@probe("DescribeExecution of one that was never started")
@documented("ExecutionDoesNotExist", API + "API_DescribeExecution.html")
def an_execution_that_is_not(aws: AwsSetup) -> str:
    arn = aws.machine(NOTHING).replace(":stateMachine:", ":execution:") + ":never"
    return answer(lambda: aws.stepfunctions.describe_execution(executionArn=arn))


@probe("CreateStateMachine with an unknown Next")
@documented("InvalidDefinition", API + "API_CreateStateMachine.html")
@differs("accepted", covered="template/test_statemachine.py runs statelint")
def a_definition_that_leads_nowhere(aws: AwsSetup) -> str:
    return answer(lambda: aws.machine({"Go": {"Type": "Pass", "Next": "Nowhere"}}))


def _status_changes(aws: AwsSetup, status: str, states: dict[str, Any], *, stop: bool) -> str:
    """Return the facts that the default bus reports of an execution's end."""
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
            return "are reported, with the input"
        return "are reported, without the input"
    return "are not reported"


@probe("status changes of executions that fail, on the default bus")
@documented("are reported, with the input", GUIDE + "eventbridge-integration.html")
def status_failed(aws: AwsSetup) -> str:
    return _status_changes(aws, "FAILED", BROKEN, stop=False)


@probe("status changes of executions that are stopped, on the default bus")
@documented("are reported, with the input", GUIDE + "eventbridge-integration.html")
def status_aborted(aws: AwsSetup) -> str:
    return _status_changes(aws, "ABORTED", waiting(), stop=True)
