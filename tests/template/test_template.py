"""Resources of template.yaml after the SAM transform."""

import json
import math
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from local.packaging import ROOT, read_template
from rushes.catalog.vendor_data import read_vendor
from rushes.config import Settings
from rushes.jobs.job_state import Folder
from rushes.jobs.request import UPLOADS

TEMPLATE = ROOT / "template.yaml"
FUNCTIONS = ("api", "submit", "poll", "collect", "finish", "notify", "deliver", "sweep")
WITHOUT_RESOURCES = frozenset({"DeliverLogs"})
"""Statements about actions for which AWS defines no resources."""
CATALOG_FUNCTIONS = ("api", "submit", "poll", "collect")
BUCKET_NAMES = {"Ref": "Bucket"}, {"Ref": "ExistingBucketName"}


@cache
def source() -> dict[str, Any]:
    return read_template(TEMPLATE)


@cache
def transformed(**parameters: str) -> dict[str, Any]:
    """Return the template after the SAM transform with values of parameters."""
    template = json.loads(json.dumps(source()))
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if name in resource["Properties"]:
                resource["Properties"][name] = "s3://bucket/key"
    script = str(Path(__file__).with_name("translate.py"))
    done = subprocess.run(
        [ROOT / ".local/envs/engine/bin/python", script, json.dumps(parameters)],
        input=json.dumps(template),
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def translated() -> dict[str, dict[str, Any]]:
    resources: dict[str, dict[str, Any]] = transformed()["Resources"]
    return resources


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in translated().items()
        if resource["Type"] == kind
    }


def logical_id(name: str) -> str:
    return f"{name.capitalize()}Function"


def statements(role: str) -> list[dict[str, Any]]:
    policies = translated()[role]["Properties"].get("Policies", [])
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]


def test_every_function_folder_is_a_lambda_function():
    folders = {folder.parent.name for folder in (ROOT / "functions").glob("*/app.py")}
    lambdas = set(of_type("AWS::Lambda::Function"))
    assert folders == set(FUNCTIONS)
    assert lambdas == {logical_id(name) for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_own_role(name):
    properties = of_type("AWS::Lambda::Function")[logical_id(name)]
    assert properties["Role"] == {"Fn::GetAtt": [f"{logical_id(name)}Role", "Arn"]}
    assert properties["Runtime"] == "python3.13"
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": "LogGroup"}


@pytest.mark.parametrize(
    "role", [*(f"{logical_id(name)}Role" for name in FUNCTIONS), "MediaJobRole"]
)
def test_roles_have_no_wildcard_actions_or_resources(role):
    assert statements(role)
    for statement in statements(role):
        actions = statement["Action"]
        resources = statement["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            assert "*" not in action
        if statement["Sid"] not in WITHOUT_RESOURCES:
            assert "*" not in (resources if isinstance(resources, list) else [resources])


@pytest.mark.parametrize("role", [f"{logical_id(name)}Role" for name in FUNCTIONS])
def test_roles_have_only_the_managed_policies_of_sam(role):
    """OwnLogGroupOnly and NoNetworkInterfaces deny their code all but writing to the log group."""
    arns = translated()[role]["Properties"]["ManagedPolicyArns"]
    assert [json.dumps(arn).rpartition("/")[2].strip('"}] ') for arn in arns] == [
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
    ]


def test_code_of_functions_has_no_network_permissions():
    policy = translated()["NoNetworkInterfaces"]["Properties"]
    assert {role["Ref"] for role in policy["Roles"]} == {
        f"{logical_id(name)}Role" for name in FUNCTIONS
    }
    (denied,) = policy["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Action"], denied["Resource"]) == ("Deny", "ec2:*", "*")
    assert denied["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}


def test_api_gateway_may_invoke_the_api_function():
    """The local engine does not enforce this permission; without it AWS responds 500."""
    permission = translated()["HttpPermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "ApiFunctionAliaslive"}
    assert permission["Principal"] == "apigateway.amazonaws.com"


def rules_to(target: str) -> dict[str, dict[str, Any]]:
    return {
        name: rule
        for name, rule in of_type("AWS::Events::Rule").items()
        if any(entry["Arn"] == {"Ref": f"{target}Aliaslive"} for entry in rule["Targets"])
    }


def test_sweeper_runs_every_minute_after_failed_executions_and_after_uploads():
    rules = rules_to("SweepFunction")
    patterns = [rule.get("EventPattern") or rule["ScheduleExpression"] for rule in rules.values()]
    failed_execution = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": "MediaJob"}],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    }
    upload_arrived = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [{"Fn::If": ["OwnBucket", *BUCKET_NAMES]}]},
            "object": {"key": [{"prefix": UPLOADS}]},
        },
    }
    expected = ["rate(1 minute)", "rate(1 minute)", failed_execution, upload_arrived]
    assert sorted(patterns, key=str) == sorted(expected, key=str)
    notifications = translated()["Bucket"]["Properties"]["NotificationConfiguration"]
    assert notifications == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    allowed = [
        p["SourceArn"]
        for p in of_type("AWS::Lambda::Permission").values()
        if p["FunctionName"] == {"Ref": "SweepFunctionAliaslive"}
    ]
    for name in rules:
        assert {"Fn::GetAtt": [name, "Arn"]} in allowed


def bus_policies() -> set[str]:
    return {
        role
        for role in translated()
        if role.endswith("Role")
        and any(statement["Action"] == "events:PutEvents" for statement in statements(role))
    }


def test_event_publishers_may_put_events_and_have_the_bus_name():
    publishers = ("api", "submit", "poll", "finish", "sweep", "deliver")
    event_publishers = {logical_id(name) for name in publishers}
    assert bus_policies() == {f"{name}Role" for name in event_publishers}
    for name in event_publishers:
        properties = of_type("AWS::Lambda::Function")[name]
        assert properties["Environment"]["Variables"]["BUS_NAME"] == {"Ref": "EventBus"}


def test_environment_variables_and_settings_agree():
    everywhere = set(source()["Globals"]["Function"]["Environment"]["Variables"])
    somewhere = {
        variable
        for resource in source()["Resources"].values()
        for variable in resource["Properties"].get("Environment", {}).get("Variables", {})
    }
    required = {f.alias for f in Settings.model_fields.values() if f.is_required()}
    optional = {f.alias for f in Settings.model_fields.values() if not f.is_required()}
    powertools = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
    assert everywhere == required | powertools | {"RESTORE_EPOCH"}
    assert somewhere == optional - {"RESTORE_EPOCH"}


def test_log_groups_expire():
    groups = of_type("AWS::Logs::LogGroup")
    assert groups
    assert all(group["RetentionInDays"] == {"Ref": "LogDays"} for group in groups.values())


def test_access_log_has_callers_but_neither_paths_nor_headers():
    (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
    settings = stage["AccessLogSettings"]
    assert settings["DestinationArn"] == {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}
    fields = json.loads(settings["Format"])
    assert {"requestId", "sourceIp", "routeKey", "status", "latency"} <= set(fields)
    allowed = (
        r"\$context\.(identity\.sourceIp|requestId|requestTimeEpoch|routeKey|httpMethod|status"
    )
    allowed += "|responseLatency|responseLength)"
    assert all(re.fullmatch(allowed, value) for value in fields.values())


def test_bucket_is_private_encrypted_and_expires_objects():
    bucket = translated()["Bucket"]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["BucketEncryption"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"]
    assert rules["finished-media"]["ExpirationInDays"] == {"Ref": "OutputDays"}
    assert rules["results-of-cancelled-jobs"]["ExpirationInDays"] == {"Ref": "OutputDays"}
    assert (rules["uploads"]["Prefix"], rules["uploads"]["ExpirationInDays"]) == (UPLOADS, 1)
    denied = translated()["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_table_has_backups_and_outlives_the_stack():
    table = translated()["Table"]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }
    assert table["Properties"]["TimeToLiveSpecification"]["Enabled"]
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert table["DeletionPolicy"] == "RetainExceptOnCreate"


def test_api_may_read_each_index_that_it_lists_jobs_by():
    indexes = translated()["Table"]["Properties"]["GlobalSecondaryIndexes"]
    by_name = {index["IndexName"]: index for index in indexes}
    assert by_name["by_provider"]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert by_name["by_owner_keys"]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    due = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["open_owner"]}
    assert by_name["due_keys"]["Projection"] == due
    allowed = {
        statement["Sid"]: statement["Resource"] for statement in statements("ApiFunctionRole")
    }
    names = {resource["Fn::Sub"].rpartition("/")[2] for resource in allowed["ListJobs"]}
    lists = {"by_owner_list", "by_owner_keys", "by_provider"}
    assert names == lists == by_name.keys() - {"due_keys"}
    assert by_name["by_owner_list"]["Projection"] == {"ProjectionType": "ALL"}
    assert allowed["ReadListedItems"] == {"Fn::GetAtt": ["TableArn", "Value"]}


def test_template_contains_no_secret():
    for secret in of_type("AWS::SecretsManager::Secret").values():
        assert secret.keys() == {"Description", "GenerateSecretString", "KmsKeyId"}
        assert "SecretStringTemplate" not in secret["GenerateSecretString"]


def test_key_of_signing_secrets_has_more_random_bits_than_a_key_needs_and_outlives_the_stack():
    key = translated()["WebhookKey"]
    generated = key["Properties"]["GenerateSecretString"]
    assert generated == {"PasswordLength": 64, "ExcludePunctuation": True}
    assert 64 * math.log2(26 + 26 + 10) > 256
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_functions_may_write_to_their_log_group_only():
    """SAM's managed policy allows them all."""
    policy = translated()["OwnLogGroupOnly"]["Properties"]
    roles = {f"{logical_id(name)}Role" for name in FUNCTIONS}
    assert {role["Ref"] for role in policy["Roles"]} == roles
    (denied,) = policy["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["NotResource"][0]) == (
        "Deny",
        {"Fn::GetAtt": ["LogGroup", "Arn"]},
    )
    written = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
    assert set(denied["Action"]) == written


def test_queues_refuse_requests_without_tls():
    queues = {name for name, one in translated().items() if one["Type"] == "AWS::SQS::Queue"}
    refusing = set()
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            denied = statement.get("Fn::If", ["", statement])[1]
            if denied.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
                assert (denied["Effect"], denied["Action"]) == ("Deny", "sqs:*")
                refusing |= {queue["Ref"] for queue in policy["Queues"]}
    assert refusing == queues


def test_errors_of_executions_are_logged_without_their_data():
    (machine,) = of_type("AWS::StepFunctions::StateMachine").values()
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
    group = translated()["MediaJobLogGroup"]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert group.startswith("/aws/vendedlogs/states/")


def test_only_functions_that_call_providers_may_read_their_secrets_and_no_others():
    """The operator creates the secrets, below a prefix that by default has the stack's name."""
    readers = {
        role: statement["Resource"]["Fn::Sub"]
        for role in (f"{logical_id(name)}Role" for name in FUNCTIONS)
        for statement in statements(role)
        if "secretsmanager" in json.dumps(statement["Action"])
        and statement["Sid"] != "ReadKeyOfSigningSecrets"  # see test_item_permissions.py
    }
    assert readers.keys() == {"SubmitFunctionRole", "PollFunctionRole", "CollectFunctionRole"}
    assert {arn.rpartition(":secret:")[2] for arn in readers.values()} == {
        "${ProviderSecretsPrefix.Value}/*"
    }


def test_functions_may_read_the_configuration_and_none_may_change_it():
    for name in FUNCTIONS:
        allowed = {
            action
            for statement in statements(f"{logical_id(name)}Role")
            if "/config/*" in json.dumps(statement["Resource"])
            for action in [statement["Action"]]
        }
        assert allowed == ({"s3:GetObject"} if name in CATALOG_FUNCTIONS else set())


def test_requirements_of_layer_match_the_lock_file():
    """`make requirements` updates the file."""
    options = ["--frozen", "--only-group", "layer", "--no-emit-project", "--no-annotate"]
    exported = subprocess.run(
        [str(ROOT / ".local/uv/bin/uv"), "export", "--quiet", "--no-header", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "layers/dependencies/requirements.txt").read_text() == exported


def allowed(function: str, prefix: str) -> dict[str, list[Any]]:
    """Return the resources by action of a function's role, for actions with a prefix."""
    found: dict[str, list[Any]] = {}
    for statement in statements(f"{logical_id(function)}Role"):
        actions, resources = statement["Action"], statement["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            if action.startswith(prefix):
                found.setdefault(action, []).extend(
                    resources if isinstance(resources, list) else [resources]
                )
    return found


def test_only_the_functions_that_call_bedrock_may_do_so():
    """The actions and their resources are those of the Service Authorization Reference."""
    invocations = "arn:${AWS::Partition}:bedrock:*:${AWS::AccountId}:async-invoke/*"
    models = {model.model_at_provider for model in read_vendor("bedrock").entries()}
    arns = [f"arn:${{AWS::Partition}}:bedrock:*::foundation-model/{name}" for name in models]
    poll = {"bedrock:GetAsyncInvoke": [{"Fn::Sub": invocations}]}
    create = {"bedrock:InvokeModel": [{"Fn::Sub": arn} for arn in [*arns, invocations]]}
    callers = {"submit": create, "poll": poll, "collect": poll}
    for function in FUNCTIONS:
        assert allowed(function, "bedrock:") == callers.get(function, {})


def test_outputs_of_bedrock_are_written_by_submit_read_by_collect_and_deleted_with_the_job():
    folder = {"Fn::Sub": "${BucketArn.Value}/provider/*"}
    users: dict[str, set[str]] = {}
    for function in FUNCTIONS:
        for action, resources in allowed(function, "s3:").items():
            if folder in resources:
                users.setdefault(action, set()).add(function)
    assert users == {
        "s3:PutObject": {"submit"},
        "s3:GetObject": {"collect"},
        "s3:DeleteObject": {"api", "finish", "sweep"},
    }
    lifecycle = translated()["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (days,) = [rule["ExpirationInDays"] for rule in lifecycle if rule.get("Prefix") == "provider/"]
    assert days == 2


def test_api_copies_uploads_and_the_inputs_of_a_retried_job_to_inputs():
    """S3 lets only a reader of the source copy an object."""
    folders = {"inputs/*", "outputs/*", "uploads/*", "config/*"}
    readable = allowed("api", "s3:")["s3:GetObject"]
    assert {one["Fn::Sub"].removeprefix("${BucketArn.Value}/") for one in readable} == folders
    assert {"Fn::Sub": "${BucketArn.Value}/inputs/*"} in allowed("api", "s3:")["s3:PutObject"]


def test_each_folder_of_a_job_expires_and_is_deleted_with_it():
    lifecycle = translated()["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"] for rule in lifecycle if "ExpirationInDays" in rule}
    for folder in get_args(Folder):
        assert f"{folder}/" in expiring
        for function in ("api", "finish", "sweep"):
            deleted = allowed(function, "s3:DeleteObject")["s3:DeleteObject"]
            assert {"Fn::Sub": f"${{BucketArn.Value}}/{folder}/*"} in deleted
