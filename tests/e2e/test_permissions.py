"""Each role needs what it has: with one action taken away the work stops, given back it goes on.

The engine judges every call by the policies of the function's role (the state machine's by a
correction in local/engine.py).
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
"""Seconds in which a small job would have been completed several times."""


def role_name(cloudformation: Any, logical_id: str) -> str:
    resource = cloudformation.describe_stack_resource(
        StackName="rushes", LogicalResourceId=logical_id
    )
    name: str = resource["StackResourceDetail"]["PhysicalResourceId"]
    return name


@contextmanager
def without(aws: Any, logical_id: str, action: str) -> Iterator[None]:
    """The role with one action less."""
    iam, role = aws("iam"), role_name(aws("cloudformation"), logical_id)
    before = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    try:
        for name, policy in before.items():
            less = stripped(policy, action)
            if less["Statement"]:
                document = json.dumps(less)
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
            else:
                iam.delete_role_policy(RoleName=role, PolicyName=name)
        yield
    finally:
        for name, policy in before.items():
            whole = json.dumps(policy)
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=whole)


def stripped(policy: dict[str, Any], action: str) -> dict[str, Any]:
    kept, found = [], False
    for statement in policy["Statement"]:
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        found = found or action in actions
        if rest := [it for it in actions if it != action]:
            kept.append({**statement, "Action": rest})
    assert found, f"the role never had {action}"
    return {**policy, "Statement": kept}


@pytest.mark.parametrize(("role", "action"), ROLES.items())
def test_a_step_without_one_of_its_actions_stops_and_with_it_goes_on(client, aws, role, action):
    with without(aws, role, action):
        job_id = create(client).json()["id"]
        assert not completes(client, job_id, LONG_ENOUGH)
    assert completes(client, job_id, 60)


def test_without_its_table_the_api_answers_503_in_the_dialects_words(client, aws):
    with without(aws, "ApiFunctionRole", "dynamodb:PutItem"):
        answer = create(client)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "service_unavailable"
        assert "AccessDenied" not in answer.text


def test_a_job_whose_start_was_denied_is_accepted_and_started_by_the_sweeper(client, aws, stack):
    with without(aws, "ApiFunctionRole", "states:StartExecution"):
        answer = create(client)
        assert answer.status_code == 200
        job_id = answer.json()["id"]
        assert not completes(client, job_id, LONG_ENOUGH)
    aws("dynamodb").update_item(  # as if nobody had touched it for long
        TableName=stack.outputs["TableName"],
        Key={"pk": {"S": f"JOB#demo#{job_id}"}, "sk": {"S": "job"}},
        UpdateExpression="SET open_sk = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    assert completes(client, job_id, 90)


def test_a_link_signed_without_the_right_to_read_opens_nothing(client, aws):
    job_id = create(client).json()["id"]
    assert completes(client, job_id, 60)
    link = client.get(f"/openai/v1/videos/{job_id}/content").headers["location"]
    assert httpx.get(link).status_code == 200
    with without(aws, "ApiFunctionRole", "s3:GetObject"):
        assert httpx.get(link).status_code == 403


def sweep(aws: Any) -> dict[str, Any]:
    name = aws("cloudformation").describe_stack_resource(
        StackName="rushes", LogicalResourceId="SweepFunction"
    )["StackResourceDetail"]["PhysicalResourceId"]
    answer: dict[str, Any] = aws("lambda").invoke(FunctionName=name, Payload=b"{}")
    return answer


def test_the_sweeper_without_its_index_fails_loudly(aws):
    assert "FunctionError" not in sweep(aws)
    with without(aws, "SweepFunctionRole", "dynamodb:Query"):
        answer = sweep(aws)
        assert json.loads(answer["Payload"].read())["errorType"] == "AwsUnavailable"


def test_what_could_not_be_announced_the_sweeper_announces(client, aws, events):
    with without(aws, "FinishFunctionRole", "events:PutEvents"):
        job_id = create(client).json()["id"]
        assert completes(client, job_id, 60)
        assert not events.of(job_id, 2)
    sweep(aws)
    assert [event["type"] for event in events.of(job_id, 60)] == ["job.completed"]


def test_the_state_machine_without_the_right_to_invoke_starts_nothing(client, aws):
    with without(aws, "MediaJobRole", "lambda:InvokeFunction"):
        job_id = create(client).json()["id"]
        assert not completes(client, job_id, LONG_ENOUGH)
        assert status(client, job_id) == "queued"
