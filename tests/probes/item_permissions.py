"""DynamoDB: policies with conditions on the partition keys of a request."""

import json
from typing import Any

from tests.probes.aws_setup import AwsSetup, policy
from tests.probes.probe import documented, probes_of

probe = probes_of("DynamoDB")

SOURCE = """
import boto3

def handler(event, context):
    client = boto3.client("dynamodb")
    codes = []
    for operation, parameters in event:
        try:
            getattr(client, operation)(**parameters)
        except client.exceptions.ClientError as error:
            codes.append(error.response["Error"]["Code"])
        else:
            codes.append("accepted")
    return codes
"""
CONDITIONS = "amazondynamodb/latest/developerguide/specifying-conditions.html"
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def codes_of(aws: AwsSetup, *calls: tuple[str, dict[str, Any]]) -> list[str]:
    """Call DynamoDB with a role for items whose partition key begins with `A#`."""
    role = aws.name()
    made = aws.iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy(TRUST))
    table = aws.dynamodb.describe_table(TableName=aws.table)["Table"]["TableArn"]
    items = {
        "Effect": "Allow",
        "Action": "dynamodb:*",
        "Resource": table,
        "Condition": {
            "Null": {"dynamodb:LeadingKeys": "false"},
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["A#*"]},
        },
    }
    aws.iam.put_role_policy(RoleName=role, PolicyName="items", PolicyDocument=policy(items))
    function = aws.function(SOURCE, Role=made["Role"]["Arn"])
    reply = aws.functions.invoke(FunctionName=function, Payload=json.dumps(calls))
    found: list[str] = json.loads(reply["Payload"].read())
    return found


def named(aws: AwsSetup, family: str) -> dict[str, Any]:
    return {"pk": {"S": f"{family}#{aws.name()}"}}


def accepted(codes: list[str]) -> str:
    return "accepted" if set(codes) == {"accepted"} else f"{codes}"


def refused(codes: list[str]) -> str:
    return "refused" if set(codes) == {"AccessDeniedException"} else f"{codes}"


def every_operation(aws: AwsSetup, *families: str) -> list[tuple[str, dict[str, Any]]]:
    """Return one call of each operation with items of these families."""
    item, keys = named(aws, families[-1]), [named(aws, family) for family in families]
    table, values = {"TableName": aws.table}, {":pk": item["pk"]}
    search = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values}
    puts = [{"Put": {**table, "Item": key}} for key in keys]
    return [
        ("get_item", {**table, "Key": item}),
        ("put_item", {**table, "Item": item}),
        ("update_item", {**table, "Key": item}),
        ("delete_item", {**table, "Key": item}),
        ("query", {**table, **search}),
        ("batch_get_item", {"RequestItems": {aws.table: {"Keys": keys}}}),
        ("transact_write_items", {"TransactItems": puts}),
    ]


@probe("a role with a condition on dynamodb:LeadingKeys, for keys that match it")
@documented("accepted", CONDITIONS)
def allowed_keys(aws: AwsSetup) -> str:
    return accepted(codes_of(aws, *every_operation(aws, "A", "A")))


@probe("the same role, for other keys, and for several keys one of which is another")
@documented("refused", CONDITIONS)
def other_keys(aws: AwsSetup) -> str:
    return refused(codes_of(aws, *every_operation(aws, "A", "B")))


@probe("the same role, for a scan, which has no keys")
@documented("refused", CONDITIONS)
def scan_without_keys(aws: AwsSetup) -> str:
    return refused(codes_of(aws, ("scan", {"TableName": aws.table})))
