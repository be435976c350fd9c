"""What the template promises, read off what SAM makes of it."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.packaging import ROOT, read_template
from rushes.config import Settings

TEMPLATE = ROOT / "template.yaml"
FUNCTIONS = ("api", "submit", "poll", "collect", "finish", "notify", "deliver", "sweep")


@cache
def source() -> dict[str, Any]:
    return read_template(TEMPLATE)


@cache
def translated() -> dict[str, dict[str, Any]]:
    """The resources after the SAM transform, with the state machine's definition put in."""
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
    return {name: it["Properties"] for name, it in translated().items() if it["Type"] == kind}


def logical_id(name: str) -> str:
    return f"{name.capitalize()}Function"


def statements(role: str) -> list[dict[str, Any]]:
    policies = translated()[role]["Properties"].get("Policies", [])
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]


def test_every_folder_of_functions_is_a_function_of_the_template():
    folders = {folder.parent.name for folder in (ROOT / "functions").glob("*/app.py")}
    lambdas = set(of_type("AWS::Lambda::Function"))
    assert folders == set(FUNCTIONS)
    assert lambdas == {logical_id(name) for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_role_of_its_own(name):
    properties = of_type("AWS::Lambda::Function")[logical_id(name)]
    assert properties["Role"] == {"Fn::GetAtt": [f"{logical_id(name)}Role", "Arn"]}
    assert properties["Runtime"] == "python3.13"
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": "Logs"}


@pytest.mark.parametrize(
    "role", [*(f"{logical_id(name)}Role" for name in FUNCTIONS), "MediaJobRole"]
)
def test_no_role_may_do_everything_or_anything_everywhere(role):
    assert statements(role)
    for statement in statements(role):
        actions = statement["Action"]
        resources = statement["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            assert "*" not in action
        for resource in resources if isinstance(resources, list) else [resources]:
            assert resource != "*"


@pytest.mark.parametrize("role", [f"{logical_id(name)}Role" for name in FUNCTIONS])
def test_the_only_managed_policy_is_the_one_for_logs(role):
    arns = translated()[role]["Properties"]["ManagedPolicyArns"]
    assert [json.dumps(arn).rpartition("/")[2].strip('"}] ') for arn in arns] == [
        "AWSLambdaBasicExecutionRole"
    ]


def test_the_api_may_be_called_by_api_gateway():
    """The local engine does not enforce this permission; without it AWS answers 500."""
    permission = translated()["HttpPermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "ApiFunction"}
    assert permission["Principal"] == "apigateway.amazonaws.com"


def rules_to(target: str) -> dict[str, dict[str, Any]]:
    return {
        name: rule
        for name, rule in of_type("AWS::Events::Rule").items()
        if any(it["Arn"] == {"Fn::GetAtt": [target, "Arn"]} for it in rule["Targets"])
    }


def test_the_sweeper_is_called_every_minute_and_when_an_execution_breaks_off():
    rules = rules_to("SweepFunction")
    patterns = [rule.get("EventPattern") or rule["ScheduleExpression"] for rule in rules.values()]
    broken_off = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": "MediaJob"}],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    }
    assert sorted(patterns, key=str) == sorted(["rate(1 minute)", broken_off], key=str)
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
        and any(it["Action"] == "events:PutEvents" for it in statements(role))
    }


def test_whoever_announces_may_and_knows_the_bus():
    """The machine itself puts nothing there."""
    event_publishers = {logical_id(name) for name in ("submit", "finish", "sweep", "deliver")}
    assert bus_policies() == {f"{name}Role" for name in event_publishers}
    for name in event_publishers:
        properties = of_type("AWS::Lambda::Function")[name]
        assert properties["Environment"]["Variables"]["BUS_NAME"] == {"Ref": "Bus"}


def test_every_variable_is_a_setting_and_every_setting_a_variable():
    everywhere = set(source()["Globals"]["Function"]["Environment"]["Variables"])
    somewhere = {
        variable
        for resource in source()["Resources"].values()
        for variable in resource["Properties"].get("Environment", {}).get("Variables", {})
    }
    required = {f.alias for f in Settings.model_fields.values() if f.is_required()}
    optional = {f.alias for f in Settings.model_fields.values() if not f.is_required()}
    assert everywhere == required
    assert somewhere == optional


def test_logs_are_not_kept_for_ever():
    groups = of_type("AWS::Logs::LogGroup")
    assert groups
    assert all(group["RetentionInDays"] == {"Ref": "LogDays"} for group in groups.values())


def test_the_bucket_is_private_encrypted_and_cleans_up():
    bucket = translated()["Bucket"]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["BucketEncryption"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"]
    assert rules["finished-media"]["ExpirationInDays"] == {"Ref": "OutputDays"}
    assert rules["results-of-cancelled-jobs"]["ExpirationInDays"] == {"Ref": "OutputDays"}
    denied = translated()["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_table_can_be_restored_and_outlives_its_stack():
    table = translated()["Table"]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }
    assert table["Properties"]["TimeToLiveSpecification"]["Enabled"]
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert table["DeletionPolicy"] == "RetainExceptOnCreate"


def test_no_secret_stands_in_the_template():
    assert translated()["ProviderSecret"]["Properties"]["SecretString"] == "{}"


def test_the_layers_builder_installs_what_the_lock_says():
    """`make requirements` brings it up to date."""
    what = ["--frozen", "--only-group", "layer", "--no-emit-project", "--no-annotate"]
    exported = subprocess.run(
        [str(ROOT / ".local/uv/bin/uv"), "export", "--quiet", "--no-header", *what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "layers/dependencies/requirements.txt").read_text() == exported
