"""Create or update a CloudFormation stack by a change set, as `sam deploy` does."""

import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import OperationEventTypeDef, StackTypeDef

NOTHING_TO_UPDATE = ("didn't contain changes", "No updates are to be performed")
UNUSABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
PAUSE_SECONDS = 0.05


class DeploymentError(Exception):
    """The deployment failed; the message lists failed resources and reasons."""


def deploy(
    cloudformation: "CloudFormationClient",
    name: str,
    template_url: str,
    parameters: Mapping[str, str],
) -> dict[str, str]:
    """Create or update the stack, and return its outputs."""
    stack = find_stack(cloudformation, name)
    if stack and stack["StackStatus"] in UNUSABLE:
        # CloudFormation can only delete a stack whose creation failed.
        delete_stack(cloudformation, name)
        stack = None
    if change(cloudformation, name, template_url, parameters, new=stack is None):
        stack = wait_until_done(cloudformation, name)
        if stack["StackStatus"] not in DONE:
            raise DeploymentError(failure(cloudformation, name, stack))
    else:
        stack = find_stack(cloudformation, name)
    outputs = stack.get("Outputs", []) if stack else []
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def find_stack(cloudformation: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def change(
    cloudformation: "CloudFormationClient",
    name: str,
    template_url: str,
    parameters: Mapping[str, str],
    *,
    new: bool,
) -> bool:
    """Execute a change set; return False if it contains no changes."""
    change_set = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"change-{uuid.uuid4().hex}",
        ChangeSetType="CREATE" if new else "UPDATE",
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )["Id"]
    while True:
        description = cloudformation.describe_change_set(ChangeSetName=change_set)
        reason = description.get("StatusReason", "")
        if description["Status"] == "CREATE_COMPLETE":
            cloudformation.execute_change_set(ChangeSetName=change_set)
            return True
        if description["Status"] == "FAILED":
            if any(text in reason for text in NOTHING_TO_UPDATE):
                return False
            raise DeploymentError(f"the change set of {name} failed: {reason}")
        time.sleep(PAUSE_SECONDS)


def wait_until_done(cloudformation: "CloudFormationClient", name: str) -> "StackTypeDef":
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        time.sleep(PAUSE_SECONDS)


def delete_stack(cloudformation: "CloudFormationClient", name: str) -> None:
    cloudformation.delete_stack(StackName=name)
    while find_stack(cloudformation, name):
        time.sleep(PAUSE_SECONDS)


def failure(cloudformation: "CloudFormationClient", name: str, stack: "StackTypeDef") -> str:
    events = cloudformation.describe_events(StackName=name)["OperationEvents"]
    last = max(events, key=lambda event: event["Timestamp"])["OperationId"]
    lines = [
        f"{event.get('LogicalResourceId')}: {reason}"
        for event in events
        if event["OperationId"] == last and (reason := failure_reason(event))
    ]
    return "\n  ".join([f"deploying {name} ended in {stack['StackStatus']}:", *lines])


def failure_reason(event: "OperationEventTypeDef") -> str | None:
    """Return the reason of a failed resource or of a failed validation before the change."""
    if "FAILED" in event.get("ResourceStatus", ""):
        return event.get("ResourceStatusReason")
    return event.get("ValidationStatusReason")
