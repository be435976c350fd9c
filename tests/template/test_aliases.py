"""Functions are invoked by their alias, which each change of code or settings moves."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.deployed import LOCAL, deployed, properties
from tests.template.test_template import (
    FUNCTIONS,
    logical_id,
    of_type,
    source,
    statements,
    transformed,
    translated,
)

LAYERS = ("DependenciesLayer", "RushesLayer")
NOT_VERSIONED = ("ReservedConcurrentExecutions", "Tags")
"""Properties of a function that its versions do not have."""
STATE_FUNCTIONS = ("submit", "poll", "collect", "finish")
VALUE = "AWS::SSM::Parameter"


DESCRIBED = {
    parameter
    for layer in LAYERS
    for parameter in re.findall(
        r"\$\{(\w+)\}", source()["Resources"][layer]["Properties"]["Description"]["Fn::Sub"]
    )
}
"""Parameters in the descriptions of the layers."""


def alias(name: str) -> dict[str, str]:
    return {"Ref": f"{logical_id(name)}Aliaslive"}


def version_of(name: str) -> str:
    """Return the logical id of the version to which a function's alias points."""
    found: str = translated()[alias(name)["Ref"]]["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
    return found


def references(value: Any) -> Iterator[str]:
    """Yield the parameters and resources that a value depends on, also by conditions."""
    if isinstance(value, list):
        for entry in value:
            yield from references(entry)
    elif isinstance(value, dict):
        for name, argument in value.items():
            yield from named_by(name, argument)
            yield from references(argument)


def named_by(function: str, argument: Any) -> Iterator[str]:
    """Yield what an intrinsic function names outside of its nested values."""
    template = transformed()
    match function:
        case "Ref":
            yield argument
        case "Fn::Sub":
            yield from re.findall(r"\$\{([^.}]+)", json.dumps(argument))
        case "Condition" | "Fn::If":
            condition = argument if function == "Condition" else argument[0]
            yield from references(template["Conditions"][condition])
        case "Fn::GetAtt" if template["Resources"][argument[0]]["Type"] == VALUE:
            yield from references(template["Resources"][argument[0]]["Properties"])


def parameters_in(value: Any) -> set[str]:
    return set(references(value)) & set(source()["Parameters"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_an_alias_of_a_version(name: str):
    resource = translated()[alias(name)["Ref"]]["Properties"]
    assert (resource["Name"], resource["FunctionName"]) == ("live", {"Ref": logical_id(name)})
    version = translated()[version_of(name)]
    assert version["Type"] == "AWS::Lambda::Version"
    assert version["DeletionPolicy"] == "Delete"


def test_state_machine_invokes_aliases_only():
    machine = translated()["MediaJob"]["Properties"]["DefinitionSubstitutions"]
    expected = {f"{logical_id(name)}Arn": alias(name) for name in STATE_FUNCTIONS}
    assert {key: value for key, value in machine.items() if key in expected} == expected
    allowed = [s for s in statements("MediaJobRole") if s["Action"] == "lambda:InvokeFunction"]
    assert [s["Resource"] for s in allowed] == [[alias(name) for name in STATE_FUNCTIONS]]


def test_api_queues_rules_and_schedules_invoke_aliases():
    uri, values = translated()["HttpIntegration"]["Properties"]["IntegrationUri"]["Fn::Sub"]
    assert "/functions/${Alias}/invocations" in uri
    assert values == {"Alias": alias("api")}
    mappings = of_type("AWS::Lambda::EventSourceMapping").values()
    invoked = [mapping["FunctionName"] for mapping in mappings]
    for rule in of_type("AWS::Events::Rule").values():
        invoked += [target["Arn"] for target in rule["Targets"] if "Ref" in target["Arn"]]
    permissions = of_type("AWS::Lambda::Permission").values()
    invoked += [permission["FunctionName"] for permission in permissions]
    assert {json.dumps(target) for target in invoked} <= {
        json.dumps(alias(name)) for name in FUNCTIONS
    }
    assert {"api", "notify", "deliver", "sweep"} == {
        name for name in FUNCTIONS if alias(name) in invoked
    }


def test_no_resource_invokes_a_function_without_its_alias():
    unqualified = [{"Fn::GetAtt": [logical_id(name), "Arn"]} for name in FUNCTIONS]
    text = json.dumps(translated())
    assert not any(json.dumps(arn) in text for arn in unqualified)
    assert not re.search(r"\$\{\w+Function\.Arn\}", text)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_version_has_the_numbers_of_its_layers_versions(name: str):
    """CloudFormation replaces a version whose description changes."""
    template = translated()
    description = template[version_of(name)]["Properties"]["Description"]
    assert {key[:-10] for key in layers()} == set(LAYERS)
    assert {ref for ref in references(description) if ref in layers()} == layers().keys()
    attached = template[logical_id(name)]["Properties"]["Layers"]
    assert [{"Ref": key} for key in layers()] == attached


def settings_of(name: str) -> set[str]:
    """Return the parameters on which the versions of a function depend."""
    resources = transformed(Tracing="Active")["Resources"]
    function = resources[logical_id(name)]["Properties"].items()
    return parameters_in({key: value for key, value in function if key not in NOT_VERSIONED})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_layers_descriptions_have_each_parameter_that_a_function_depends_on(name: str):
    """SAM alone would leave the alias at a version with the old values."""
    assert settings_of(name) <= DESCRIBED


def test_layers_descriptions_have_no_other_parameter():
    assert set[str]().union(*map(settings_of, FUNCTIONS)) == DESCRIBED


LONG = {
    "PublicUrl": "https://gateway.media.example-company.com/generated-media",
    "DomainName": "gateway.media.example-company.com",
    "BasePath": "generated-media",
    "SubnetIds": ",".join(f"subnet-0123456789abcde{n:02}" for n in range(2)),
    "SecurityGroupIds": "sg-0123456789abcdef0",
    "ExistingTableName": "rushes-prod-Table-1ABCDEFGHIJKL-restored",
    "ExistingBucketName": "rushes-prod-bucket-1abcdefghijkl",
    "ExistingSecretsPrefix": "rushes-prod/providers",
    "ExistingWebhookKeyArn": "arn:aws:secretsmanager:ap-southeast-2:111122223333:secret:"
    "WebhookKey-1ABCDEFGHIJKL-abcdef",
    "OutputBytes": "536870912000",
}


def layers(**parameters: str) -> dict[str, str]:
    """Return the descriptions of the layers by logical id."""
    return {
        name: resource["Properties"]["Description"]["Fn::Sub"]
        for name, resource in transformed(**parameters)["Resources"].items()
        if resource["Type"] == "AWS::Lambda::LayerVersion"
    }


def test_descriptions_of_layers_fit_with_long_values():
    assert len(layers(**LONG)) == 2
    for text in layers(**LONG).values():
        assert len(text) <= 256
        assert "${" not in text


@pytest.mark.parametrize(
    ("parameter", "value", "layer"),
    [("DailyDollars", "5", "RushesLayer"), ("ExistingTableName", "old", "DependenciesLayer")],
)
def test_another_value_makes_another_version_of_a_layer(parameter: str, value: str, layer: str):
    changed = layers(**{parameter: value}).keys() - layers().keys()
    assert {name[:-10] for name in changed} == {layer}


def test_local_stack_has_the_same_aliases():
    assert {f"{logical_id(name)}Aliaslive" for name in FUNCTIONS} <= set(deployed(LOCAL))


CODEDEPLOY = {
    "ServerlessDeploymentApplication",
    "DeploymentRole",
    *(f"{logical_id(name)}DeploymentGroup" for name in FUNCTIONS),
}


@pytest.mark.parametrize("account", [LOCAL, "111122223333"])
def test_gradual_deployment_is_off_by_default(account: str):
    resources = deployed(account)
    assert not (CODEDEPLOY | {"ReleaseAlarm", "StepsReleaseAlarm"}) & set(resources)
    assert not any("CodeDeploy" in resource["Type"] for resource in resources.values())
    assert not any("UpdatePolicy" in resource for resource in resources.values())


@pytest.mark.parametrize("kind", ["Canary10Percent5Minutes", "Linear10PercentEvery1Minute"])
def test_gradual_deployment_shifts_each_alias_and_stops_on_the_alarm(kind: str):
    resources = deployed(GradualDeployment="true", DeploymentType=kind)
    assert set(resources) >= CODEDEPLOY
    assert "CodeDeployServiceRole" not in resources
    for name in FUNCTIONS:
        group = f"{logical_id(name)}DeploymentGroup"
        policy = resources[alias(name)["Ref"]]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": group}
        found = resources[group]["Properties"]
        assert found["AlarmConfiguration"] == {
            "Enabled": True,
            "Alarms": [{"Name": {"Ref": release_alarm(name)}}],
        }
        assert "DEPLOYMENT_STOP_ON_ALARM" in found["AutoRollbackConfiguration"]["Events"]
        assert found["ServiceRoleArn"] == {"Fn::GetAtt": ["DeploymentRole", "Arn"]}
        assert found["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": kind}


def release_alarm(name: str) -> str:
    """Return the alarm that stops a function's deployment.

    The state machine's functions cannot wait for an alarm about `api`, which needs the state
    machine, which needs them: CloudFormation refuses such a cycle.
    """
    return "StepsReleaseAlarm" if name in STATE_FUNCTIONS else "ReleaseAlarm"


@pytest.mark.parametrize(
    ("name", "functions"),
    [("ReleaseAlarm", FUNCTIONS), ("StepsReleaseAlarm", STATE_FUNCTIONS)],
)
def test_release_alarm_watches_the_aliases_of_its_functions(name: str, functions: tuple[str, ...]):
    alarm = properties(name, GradualDeployment="true")
    expression, *metrics = alarm["Metrics"]
    assert {metric["Id"] for metric in metrics} == set(functions)
    for metric in metrics:
        function = logical_id(metric["Id"])
        found = metric["MetricStat"]["Metric"]
        assert (found["Namespace"], found["MetricName"]) == ("AWS/Lambda", "Errors")
        assert found["Dimensions"] == [
            {"Name": "FunctionName", "Value": {"Ref": function}},
            {"Name": "Resource", "Value": {"Fn::Sub": f"${{{function}}}:live"}},
        ]
        assert f"FILL({metric['Id']}, 0)" in expression["Expression"]
