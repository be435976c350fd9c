"""Correction of Step Functions: the permissions of a state machine's role."""
# ruff: noqa: ANN001, ANN202, SLF001 - patches replace private functions of untyped code

import contextvars

from ministack import app as engine
from ministack.core import iam_evaluator as iam
from ministack.services import stepfunctions

execution_role = contextvars.ContextVar("execution_role", default="")


def enable() -> None:
    """Check the state machine's role; ministack checks only the functions' roles."""
    run, invoke = stepfunctions._run_execution, stepfunctions._invoke_resource

    def run_execution(arn: str) -> None:
        execution = stepfunctions._executions.get(arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        execution_role.set(machine.get("roleArn", ""))
        run(arn)

    def invoke_resource(resource: str, parameters):
        if engine.AUTH:
            for action, target in required_permissions(resource, parameters):
                check_permission(execution_role.get(), action, target)
        return invoke(resource, parameters)

    stepfunctions._run_execution = run_execution
    stepfunctions._invoke_resource = invoke_resource


def required_permissions(resource: str, parameters) -> list[tuple[str, str]]:
    prefix = f"{stepfunctions.get_region()}:{stepfunctions.get_account_id()}"
    if resource.startswith("arn:aws:lambda:"):
        return [("lambda:InvokeFunction", resource)]
    if resource.endswith(":states:::lambda:invoke"):
        name = parameters["FunctionName"]
        arn = name if name.startswith("arn:") else f"arn:aws:lambda:{prefix}:function:{name}"
        return [("lambda:InvokeFunction", arn)]
    if resource.endswith(":states:::events:putEvents"):
        buses = [entry.get("EventBusName") or "default" for entry in parameters["Entries"]]
        return [
            ("events:PutEvents", bus if ":" in bus else f"arn:aws:events:{prefix}:event-bus/{bus}")
            for bus in buses
        ]
    return []


def check_permission(role: str, action: str, resource: str) -> None:
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/states"
    context = iam.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=stepfunctions.get_region(),
    )
    if iam.evaluate(context, iam._gather_role_policies(name, account)).decision == "Allow":
        return
    error = "Lambda.AWSLambdaException" if "lambda" in action else "EventBridge.AccessDenied"
    cause = f"User: {principal} is not authorized to perform: {action} on resource: {resource}"
    raise stepfunctions._ExecutionError(error, cause)
