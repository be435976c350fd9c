"""Simulate what the role of each function may do (iam:SimulatePrincipalPolicy)."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from cli.doctor.answer import Answer, Check, all_hold
from cli.doctor.deployment import FUNCTIONS, Deployment
from cli.doctor.permission_table import (
    ANY,
    BUS,
    DELIVERY_QUEUE,
    EVENT_QUEUE,
    FORBIDDEN,
    MACHINE,
    NEEDED,
    SECRET,
    TABLE,
    Use,
)

LEADING_KEYS = "dynamodb:LeadingKeys"
FIX = "deploy the stack again: its template has the policies"
TASKS = ("SubmitFunction", "PollFunction", "CollectFunction", "FinishFunction")


def function_role(name: str, deployment: Deployment) -> Answer:
    role = deployment.functions[name]["Role"]
    needed, forbidden = (_simulated(deployment, uses[name]) for uses in (NEEDED, FORBIDDEN))
    denied = [f"may not {_text(use)}" for use in needed if not _is_allowed(deployment, role, use)]
    allowed = [f"may {_text(use)}" for use in forbidden if _is_allowed(deployment, role, use)]
    good = f"{len(needed)} actions allowed, {len(forbidden)} denied"
    return all_hold([*denied, *allowed], good, FIX)


def state_machine_role(deployment: Deployment) -> Answer:
    machine = deployment.client("stepfunctions").describe_state_machine(
        stateMachineArn=deployment.outputs["StateMachineArn"]
    )
    role = machine["roleArn"]
    denied = [
        f"may not invoke {name}"
        for name in TASKS
        if not _allows(deployment, role, "lambda:InvokeFunction", _function_arn(deployment, name))
    ]
    return all_hold(denied, "the state machine may invoke its functions", FIX)


def _simulated(deployment: Deployment, uses: Iterable[Use]) -> list[Use]:
    """The emulator's simulation knows no condition keys."""
    return [use for use in uses if not (deployment.target.is_local and use.key)]


def _is_allowed(deployment: Deployment, role: str, use: Use) -> bool:
    return _allows(deployment, role, use.action, _arn(deployment, use.resource), use.key)


def _allows(deployment: Deployment, role: str, action: str, resource: str, key: str = "") -> bool:
    context = {
        "ContextKeyName": LEADING_KEYS,
        "ContextKeyValues": [key],
        "ContextKeyType": "stringList",
    }
    request: dict[str, Any] = {"ContextEntries": [context]} if key else {}
    found = deployment.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource], **request
    )
    return bool(found["EvaluationResults"][0]["EvalDecision"] == "allowed")


def _arn(deployment: Deployment, resource: str) -> str:
    _, partition, _, region, account, *_ = deployment.stack["StackId"].split(":")
    here, bucket = f"{region}:{account}", f"arn:{partition}:s3:::{deployment.target.bucket}"
    table = f"arn:{partition}:dynamodb:{here}:table/{deployment.target.table}"
    secret = f"{deployment.target.secrets}/doctor-AAAAAA"
    queues = {
        name: f"arn:{partition}:sqs:{here}:{deployment.physical(name).rpartition('/')[2]}"
        for name in (EVENT_QUEUE, DELIVERY_QUEUE)
    }
    known = {
        ANY: ANY,
        BUS: f"arn:{partition}:events:{here}:event-bus/{deployment.outputs['BusName']}",
        MACHINE: deployment.outputs["StateMachineArn"],
        SECRET: f"arn:{partition}:secretsmanager:{here}:secret:{secret}",
        "bucket": bucket,
        **queues,
    }
    if resource.startswith(TABLE):
        return table + resource.removeprefix(TABLE)
    return known.get(resource, f"{bucket}/{resource}")


def _function_arn(deployment: Deployment, name: str) -> str:
    _, partition, _, region, account, *_ = deployment.stack["StackId"].split(":")
    return f"arn:{partition}:lambda:{region}:{account}:function:{deployment.invoked(name)}"


def _text(use: Use) -> str:
    return f"{use.action} {use.key or use.resource}"


CHECKS = (
    *(
        Check(f"permissions.{name.removesuffix('Function').lower()}", partial(function_role, name))
        for name in FUNCTIONS
    ),
    Check("permissions.state_machine", state_machine_role),
)
