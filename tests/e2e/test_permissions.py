"""Every permission is necessary: without one action of its role a step stops, with it it continues.

The engine checks every call against the policies of the function's role, and of the state machine's
role by a patch in local/engine.py.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.e2e.small_jobs import completes, create, status

ROLES = {
    "SubmitFunctionRole": "dynamodb:PutItem",
    "PollFunctionRole": "dynamodb:Query",
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
        changed = {name: policy for name, policy in before.items() if allows(policy, action)}
        assert changed, f"the role never had {action}"
        for name, policy in changed.items():
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


def actions_of(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def allows(policy: dict[str, Any], action: str) -> bool:
    return any(
        statement["Effect"] == "Allow" and action in actions_of(statement)
        for statement in policy["Statement"]
    )


def without_action(policy: dict[str, Any], action: str) -> dict[str, Any]:
    statements = [
        {**statement, "Action": rest}
        for statement in policy["Statement"]
        if (rest := [other for other in actions_of(statement) if other != action])
    ]
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
    make_overdue(aws, stack, job_id)
    assert completes(client, job_id)


def test_finish_settles_the_budget_with_its_permission_only(client, aws, stack):
    """The job has reserved $9 more than it costs."""
    denied = "states:StartExecution"
    with without(aws, "ApiFunctionRole", denied), without(aws, "SweepFunctionRole", denied):
        job_id = create(client).json()["id"]
        reserve(aws, stack, job_id, 9.1)
    with without(aws, "FinishFunctionRole", "dynamodb:UpdateItem"):
        make_overdue(aws, stack, job_id)
        sweep(aws)
        assert not completes(client, job_id, LONG_ENOUGH)
    assert completes(client, job_id)
    table, key = stack.outputs["TableName"], {"pk": {"S": "SPENT#demo#2001-01-01"}}
    row = aws("dynamodb").get_item(TableName=table, Key={**key, "sk": {"S": "spent"}})["Item"]
    assert row["dollars"]["N"] == "-9"


def reserve(aws: Any, stack: Stack, job_id: str, dollars: float) -> None:
    """Add a reservation to a stored job that has not been started."""
    table, key = stack.outputs["TableName"], job_key(job_id)
    row = aws("dynamodb").get_item(TableName=table, Key=key)["Item"]
    reservation = {"day": "2001-01-01", "dollars": dollars}
    document = json.loads(row["document"]["S"]) | {"reservation": reservation}
    aws("dynamodb").update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET document = :document",
        ExpressionAttributeValues={":document": {"S": json.dumps(document)}},
    )


def make_overdue(aws: Any, stack: Stack, job_id: str) -> None:
    aws("dynamodb").update_item(
        TableName=stack.outputs["TableName"],
        Key=job_key(job_id),
        UpdateExpression="SET open_sk = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )


def job_key(job_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"JOB#demo#{job_id}"}, "sk": {"S": "job"}}


READER = """
import boto3

def handler(event, context):
    client = boto3.client("dynamodb")
    found = {}
    for pk in event["keys"]:
        try:
            client.get_item(TableName=event["table"], Key={"pk": {"S": pk}, "sk": {"S": "any"}})
        except client.exceptions.ClientError as error:
            found[pk] = error.response["Error"]["Code"]
        else:
            found[pk] = "allowed"
    return found
"""
FAMILIES = ("JOB", "KEY", "ONCE", "CALL", "ENDPOINTS", "REQUESTS", "DELIVERY", "PROVIDER", "TIMING")
READABLE = {
    "Submit": {"JOB", "PROVIDER", "TIMING"},
    "Poll": {"JOB", "TIMING"},
    "Collect": {"JOB"},
    "Finish": {"JOB", "TIMING"},
    "Deliver": {"JOB", "DELIVERY", "ENDPOINTS", "REQUESTS"},
}


@pytest.mark.parametrize(("function", "families"), READABLE.items())
def test_role_reads_items_of_its_families_only(aws, stack, function, families):
    """A function with the role of another one tries to read an item of each family."""
    role = aws("iam").get_role(RoleName=resource_name(aws, f"{function}FunctionRole"))["Role"]
    archive, name = io.BytesIO(), f"reader-of-{function}"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", READER)
    aws("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": archive.getvalue()},
        Role=role["Arn"],
        Timeout=20,
    )
    try:
        aws("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
        keys = [f"{family}#demo" for family in FAMILIES]
        payload = json.dumps({"table": stack.outputs["TableName"], "keys": keys})
        reply = aws("lambda").invoke(FunctionName=name, Payload=payload)
        found = json.loads(reply["Payload"].read())
    finally:
        aws("lambda").delete_function(FunctionName=name)
    denied = {f"{family}#demo" for family in FAMILIES if family not in families}
    assert {key for key, code in found.items() if code == "AccessDeniedException"} == denied
    assert {key for key, code in found.items() if code == "allowed"} == set(keys) - denied


def test_presigned_link_requires_read_permission_of_api(client, aws):
    job_id = create(client).json()["id"]
    assert completes(client, job_id)
    link = client.get(f"/openai/v1/videos/{job_id}/content").headers["location"]
    assert httpx.get(link).status_code == 200
    with without(aws, "ApiFunctionRole", "s3:GetObject"):
        assert httpx.get(link).status_code == 403


@pytest.mark.parametrize("action", ["dynamodb:BatchGetItem", "dynamodb:Query"])
def test_list_of_a_provider_requires_index_and_batch_permission(client, aws, action):
    job_id = create(client).json()["id"]
    query = {"provider": "sandbox", "limit": 1}
    assert client.get("/v1/videos", params=query).json()["data"][0]["id"].startswith(job_id)
    with without(aws, "ApiFunctionRole", action):
        assert client.get("/v1/videos", params=query).status_code == 503


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
