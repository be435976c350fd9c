"""Alarms of the template: each uses a metric that code emits or an AWS metric of a resource."""

import ast
from typing import Any

import pytest

from local.packaging import ROOT
from rushes.metrics import DIMENSION, NAMESPACE, Metric
from tests.template.test_template import of_type, source, translated

AWS_METRICS = {
    ("AWS/Lambda", "Invocations"): ("FunctionName", "AWS::Lambda::Function"),
    ("AWS/Lambda", "Errors"): ("FunctionName", "AWS::Lambda::Function"),
    ("AWS/States", "ExecutionsFailed"): ("StateMachineArn", "AWS::StepFunctions::StateMachine"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName", "AWS::SQS::Queue"),
}


def alarms() -> dict[str, dict[str, Any]]:
    return of_type("AWS::CloudWatch::Alarm")


def modules() -> dict[str, ast.Module]:
    files = [*(ROOT / "layers/rushes/rushes").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}


def counted() -> list[str]:
    """Return the source of the argument of every call of `count` from rushes.metrics."""
    return [
        ast.unparse(node.args[0])
        for module in modules().values()
        if any(isinstance(n, ast.ImportFrom) and n.module == "rushes.metrics" for n in module.body)
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "count"
    ]


def test_code_emits_every_metric_and_no_other():
    assert set(counted()) == {f"Metric.{metric.name}" for metric in Metric}


def test_only_the_metrics_module_uses_powertools_metrics():
    users = {
        name
        for name, module in modules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("aws_lambda_powertools")
        and ("metrics" in (node.module or "") or {"Metrics", "single_metric"} & imported(node))
    }
    assert users == {"layers/rushes/rushes/metrics.py"}


def imported(node: ast.ImportFrom) -> set[str]:
    return {alias.name for alias in node.names}


def test_every_metric_has_an_alarm_and_every_other_alarm_uses_an_aws_metric():
    names = [a["MetricName"] for a in alarms().values() if a["Namespace"] == NAMESPACE]
    assert sorted(names) == sorted(Metric)
    others = {(a["Namespace"], a["MetricName"]) for a in alarms().values()} - {
        (NAMESPACE, name) for name in names
    }
    assert others == set(AWS_METRICS)


def test_alarms_and_functions_use_the_same_dimension():
    stack = {"Ref": "AWS::StackName"}
    for alarm in alarms().values():
        if alarm["Namespace"] == NAMESPACE:
            assert alarm["Dimensions"] == [{"Name": DIMENSION, "Value": stack}]
            assert alarm["Statistic"] == "Sum"
    for function in of_type("AWS::Lambda::Function").values():
        assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == stack


@pytest.mark.parametrize("name", alarms())
def test_alarm_on_aws_metric_names_a_resource_of_the_template(name: str):
    alarm = alarms()[name]
    if alarm["Namespace"] == NAMESPACE:
        return
    dimension, kind = AWS_METRICS[alarm["Namespace"], alarm["MetricName"]]
    ((key, value),) = [(entry["Name"], entry["Value"]) for entry in alarm["Dimensions"]]
    target = value["Fn::GetAtt"] if "Fn::GetAtt" in value else [value["Ref"]]
    assert key == dimension
    assert translated()[target[0]]["Type"] == kind
    assert target[1:] in ([], ["QueueName"])


def test_no_alarm_depends_on_a_log_line():
    assert of_type("AWS::Logs::MetricFilter") == {}


def test_every_alarm_notifies_the_topic():
    action = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], []]}
    assert all(alarm["AlarmActions"] == action for alarm in alarms().values())
    assert set(source()["Conditions"]["HasAlarmTopic"]) == {"Fn::Not"}
