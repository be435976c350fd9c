"""Every permission is necessary: without one action of its role a step stops, with it it continues.

The engine checks every call against the policies of the function's role, and of the state machine's
role by a patch in local/engine.py.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.small_jobs import completes, create, status

ROLES = {
    "SubmitFunctionRole": "dynamodb:PutItem",
    "PollFunctionRole": "dynamodb:GetItem",
    "CollectFunctionRole": "s3:PutObject",
    "FinishFunctionRole": "dynamodb:PutItem",
}
LONG_ENOUGH = 4.0
"""Seconds in which a small job completes; a slow machine cannot fail a test by it."""


def resource_name(aws: Any, logical_id: str) -> str:
    resource = aws("cloudformation").describe_stack_resource(
        StackName="rushes", LogicalResourceId=logical_id
    )
    name: str = resource["StackResourceDetail"]["PhysicalResourceId"]
    return name


@contextmanager
def without(aws: Any, logical_id: str, action: str) -> Iterator[None]:
    """Remove one action from the role."""
    iam, role = aws("iam"), resource_name(aws, logical_id)
    before = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    try:
        for name, policy in before.items():
            reduced = without_action(policy, action)
            if reduced["Statement"]:
                document = json.dumps(reduced)
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
            else:
                iam.delete_role_policy(RoleName=role, PolicyName=name)
        yield
    finally:
        for name, policy in before.items():
            document = json.dumps(policy)
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)


def without_action(policy: dict[str, Any], action: str) -> dict[str, Any]:
    statements, found = [], False
    for statement in policy["Statement"]:
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        found = found or action in actions
        if rest := [other for other in actions if other != action]:
            statements.append({**statement, "Action": rest})
    assert found, f"the role never had {action}"
    return {**policy, "Statement": statements}


@pytest.mark.parametrize(("role", "action"), ROLES.items())
def test_step_waits_without_permission_and_continues_with_it(client, aws, role, action):
    with without(aws, role, action):
        job_id = create(client).json()["id"]
        assert not completes(client, job_id, LONG_ENOUGH)
    assert completes(client, job_id)


def test_api_returns_503_in_dialect_format_without_table_permission(client, aws):
    with without(aws, "ApiFunctionRole", "dynamodb:PutItem"):
        answer = create(client)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "service_unavailable"
        assert "AccessDenied" not in answer.text


def test_sweeper_starts_job_whose_start_was_denied(client, aws, stack):
    denied = "states:StartExecution"
    with without(aws, "ApiFunctionRole", denied), without(aws, "SweepFunctionRole", denied):
        answer = create(client)
        assert answer.status_code == 200
        job_id = answer.json()["id"]
        assert not completes(client, job_id, LONG_ENOUGH)
    aws("dynamodb").update_item(  # make the job overdue
        TableName=stack.outputs["TableName"],
        Key={"pk": {"S": f"JOB#demo#{job_id}"}, "sk": {"S": "job"}},
        UpdateExpression="SET open_sk = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    assert completes(client, job_id)


def test_presigned_link_requires_read_permission_of_api(client, aws):
    job_id = create(client).json()["id"]
    assert completes(client, job_id)
    link = client.get(f"/openai/v1/videos/{job_id}/content").headers["location"]
    assert httpx.get(link).status_code == 200
    with without(aws, "ApiFunctionRole", "s3:GetObject"):
        assert httpx.get(link).status_code == 403


def sweep(aws: Any) -> dict[str, Any]:
    name = resource_name(aws, "SweepFunction")
    answer: dict[str, Any] = aws("lambda").invoke(FunctionName=name, Payload=b"{}")
    return answer


def test_sweeper_without_index_permission_fails(aws):
    assert "FunctionError" not in sweep(aws)
    with without(aws, "SweepFunctionRole", "dynamodb:Query"):
        answer = sweep(aws)
        assert json.loads(answer["Payload"].read())["errorType"] == "AwsUnavailable"


def test_sweeper_publishes_event_that_finish_could_not(client, aws, events):
    with without(aws, "FinishFunctionRole", "events:PutEvents"):
        job_id = create(client).json()["id"]
        assert completes(client, job_id)
        assert not events.of(job_id, 2)
    sweep(aws)
    assert [event["type"] for event in events.of(job_id)] == ["job.completed"]


def test_state_machine_requires_invoke_permission(client, aws):
    with without(aws, "MediaJobRole", "lambda:InvokeFunction"):
        job_id = create(client).json()["id"]
        assert not completes(client, job_id, LONG_ENOUGH)
        assert status(client, job_id) == "queued"
