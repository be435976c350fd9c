"""Resources of template.yaml after the SAM transform."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from local.packaging import ROOT, read_template
from rushes.catalog.vendor_data import read_vendor
from rushes.config import Settings
from rushes.jobs.job import Folder
from rushes.workflow.oversized_uploads import UPLOADS

TEMPLATE = ROOT / "template.yaml"
FUNCTIONS = ("api", "submit", "poll", "collect", "finish", "notify", "deliver", "sweep")
CATALOG_FUNCTIONS = ("api", "submit", "poll", "collect")


@cache
def source() -> dict[str, Any]:
    return read_template(TEMPLATE)


@cache
def translated() -> dict[str, dict[str, Any]]:
    template = json.loads(json.dumps(source()))
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if name in resource["Properties"]:
                resource["Properties"][name] = "s3://bucket/key"
    done = subprocess.run(
        [ROOT / ".local/envs/engine/bin/python", Path(__file__).with_name("translate.py")],
        input=json.dumps(template),
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    resources: dict[str, dict[str, Any]] = json.loads(done.stdout)["Resources"]
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
        for resource in resources if isinstance(resources, list) else [resources]:
            assert resource != "*"


@pytest.mark.parametrize("role", [f"{logical_id(name)}Role" for name in FUNCTIONS])
def test_roles_have_only_the_managed_policy_for_logs(role):
    arns = translated()[role]["Properties"]["ManagedPolicyArns"]
    assert [json.dumps(arn).rpartition("/")[2].strip('"}] ') for arn in arns] == [
        "AWSLambdaBasicExecutionRole"
    ]


def test_api_gateway_may_invoke_the_api_function():
    """The local engine does not enforce this permission; without it AWS responds 500."""
    permission = translated()["HttpPermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "ApiFunction"}
    assert permission["Principal"] == "apigateway.amazonaws.com"


def rules_to(target: str) -> dict[str, dict[str, Any]]:
    return {
        name: rule
        for name, rule in of_type("AWS::Events::Rule").items()
        if any(entry["Arn"] == {"Fn::GetAtt": [target, "Arn"]} for entry in rule["Targets"])
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
            "bucket": {"name": [{"Ref": "Bucket"}]},
            "object": {"key": [{"prefix": UPLOADS}]},
        },
    }
    expected = ["rate(1 minute)", failed_execution, upload_arrived]
    assert sorted(patterns, key=str) == sorted(expected, key=str)
    notifications = translated()["Bucket"]["Properties"]["NotificationConfiguration"]
    assert notifications == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    allowed = [
        p["SourceArn"]
        for p in of_type("AWS::Lambda::Permission").values()
        if p["FunctionName"] == {"Ref": "SweepFunction"}
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
    event_publishers = {logical_id(name) for name in ("submit", "finish", "sweep", "deliver")}
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
    assert everywhere == required | {"POWERTOOLS_SERVICE_NAME"}
    assert somewhere == optional


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
    allowed = {
        statement["Sid"]: statement["Resource"] for statement in statements("ApiFunctionRole")
    }
    names = {resource["Fn::Sub"].rpartition("/")[2] for resource in allowed["ListJobs"]}
    assert names == {"by_owner", "by_provider"} == by_name.keys() - {"due"}
    assert allowed["ReadJobsOfOneProvider"] == {"Fn::GetAtt": ["Table", "Arn"]}


def test_template_contains_no_secret():
    assert of_type("AWS::SecretsManager::Secret") == {}


def test_only_functions_that_call_providers_may_read_their_secrets_and_no_others():
    """The operator creates the secrets, below a prefix that has the name of the stack."""
    readers = {
        role: statement["Resource"]["Fn::Sub"]
        for role in (f"{logical_id(name)}Role" for name in FUNCTIONS)
        for statement in statements(role)
        if "secretsmanager" in json.dumps(statement["Action"])
    }
    assert readers.keys() == {"SubmitFunctionRole", "PollFunctionRole", "CollectFunctionRole"}
    assert {arn.rpartition(":secret:")[2] for arn in readers.values()} == {
        "${AWS::StackName}/providers/*"
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
    folder = {"Fn::Sub": "${Bucket.Arn}/provider/*"}
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


def test_each_folder_of_a_job_expires_and_is_deleted_with_it():
    lifecycle = translated()["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"] for rule in lifecycle if "ExpirationInDays" in rule}
    for folder in get_args(Folder):
        assert f"{folder}/" in expiring
        for function in ("api", "finish", "sweep"):
            deleted = allowed(function, "s3:DeleteObject")["s3:DeleteObject"]
            assert {"Fn::Sub": f"${{Bucket.Arn}}/{folder}/*"} in deleted
