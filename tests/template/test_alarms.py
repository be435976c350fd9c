"""Alarms of the template: each reads a metric that code emits, or an AWS metric of a resource.

A healthy deployment fires none; each fires when it must.
"""

import ast
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest

from local.packaging import ROOT
from rushes.metrics import DIMENSION, DIMENSIONS, NAMESPACE, Measure, Metric, ProviderMetric
from tests.template.alarm_states import Reading, Values, readings, state
from tests.template.test_template import of_type, source, transformed, translated

AWS_METRICS: dict[tuple[str, str], dict[str, str]] = {
    ("AWS/ApiGateway", "5xx"): {"ApiId": "AWS::ApiGatewayV2::Api"},
    ("AWS/ApiGateway", "Count"): {"ApiId": "AWS::ApiGatewayV2::Api"},
    ("AWS/ApiGateway", "Latency"): {"ApiId": "AWS::ApiGatewayV2::Api"},
    ("AWS/DynamoDB", "ReadThrottleEvents"): {"TableName": "AWS::DynamoDB::Table"},
    ("AWS/DynamoDB", "WriteThrottleEvents"): {"TableName": "AWS::DynamoDB::Table"},
    ("AWS/Lambda", "Errors"): {"FunctionName": "AWS::Lambda::Function"},
    ("AWS/Lambda", "Throttles"): {"FunctionName": "AWS::Lambda::Function"},
    ("AWS/States", "ExecutionsFailed"): {"StateMachineArn": "AWS::StepFunctions::StateMachine"},
    ("AWS/States", "ExecutionsTimedOut"): {"StateMachineArn": "AWS::StepFunctions::StateMachine"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName": "AWS::SQS::Queue"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName": "AWS::SQS::Queue"},
}
"""Dimensions of the metrics, each with the type of the resource that it names."""
INDEX = "GlobalSecondaryIndexName"
ALIAS = "Resource"
"""Further dimensions, of a table and of a function."""
OUTCOMES = {"completed", "cancelled", "refused", "failed"}


def alarms() -> dict[str, dict[str, Any]]:
    return of_type("AWS::CloudWatch::Alarm")


def modules() -> dict[str, ast.Module]:
    files = [*(ROOT / "layers/rushes/rushes").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files}


def used(enum: type[StrEnum]) -> set[str]:
    """Return the names of the members that a module besides rushes.metrics uses."""
    return {
        node.attr
        for name, module in modules().items()
        if not name.endswith("rushes/metrics.py")
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == enum.__name__
    }


@pytest.mark.parametrize("enum", [Metric, ProviderMetric, Measure])
def test_code_emits_every_metric_and_no_other(enum: type[StrEnum]):
    assert used(enum) == {member.name for member in enum}


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


def test_every_metric_of_an_alarm_has_one():
    named = [r.metric for alarm in alarms().values() for r in readings(alarm)]
    assert [metric for metric in Metric if named.count(metric) != 1] == []


@pytest.mark.parametrize("name", alarms())
def test_alarm_reads_a_metric_that_exists(name: str):
    for reading in readings(alarms()[name]):
        if reading.namespace == NAMESPACE:
            check_own(reading)
        else:
            check_aws(reading)


def check_own(reading: Reading) -> None:
    """Compare the dimensions with those that rushes.metrics emits."""
    dimensions = dict(reading.dimensions)
    assert dimensions.pop(DIMENSION) == {"Ref": "AWS::StackName"}
    if reading.metric in set(Metric):
        assert dimensions == {}
        assert reading.statistic == "Sum"
        return
    sets = DIMENSIONS[Measure(reading.metric)]
    assert tuple(dimensions) in sets
    assert dimensions.get("outcome") in {None, *OUTCOMES}


def check_aws(reading: Reading) -> None:
    """Compare the dimensions with those that AWS documents, and with the template's resources."""
    expected = AWS_METRICS[reading.namespace, reading.metric]
    for name, value in reading.dimensions:
        if name == INDEX:
            assert value in index_names()
        elif name == ALIAS:
            assert value == {"Fn::Sub": f"${{{reading.dimension('FunctionName')['Ref']}}}:live"}
        else:
            assert translated()[resource_of(value)]["Type"] == expected[name]
    assert expected.keys() <= dict(reading.dimensions).keys()


def resource_of(value: Any) -> str:
    """Return the resource that a dimension names, or that an adopted one replaces."""
    if "Fn::If" in value:
        value = value["Fn::If"][1]
    target = value["Fn::GetAtt"] if "Fn::GetAtt" in value else [value["Ref"]]
    assert target[1:] in ([], ["QueueName"])
    return str(target[0])


def index_names() -> set[str]:
    indexes = translated()["Table"]["Properties"]["GlobalSecondaryIndexes"]
    return {index["IndexName"] for index in indexes}


def test_functions_have_the_dimension_of_the_metrics():
    for function in of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}


@pytest.mark.parametrize("name", ["FunctionErrorsAlarm", "FunctionThrottlesAlarm"])
def test_alarms_of_functions_read_all_of_them(name: str):
    watched = [reading.dimension("FunctionName")["Ref"] for reading in readings(alarms()[name])]
    assert sorted(watched) == sorted(of_type("AWS::Lambda::Function"))


def test_alarm_of_throttles_reads_the_table_and_each_index():
    found = {(r.metric, r.dimension(INDEX)) for r in readings(alarms()["TableThrottlesAlarm"])}
    kinds = ("ReadThrottleEvents", "WriteThrottleEvents")
    assert found == {(kind, index) for kind in kinds for index in (None, *index_names())}


def test_alarms_of_queues_read_all_of_them():
    watched = {
        resource_of(reading.dimension("QueueName"))
        for alarm in alarms().values()
        for reading in readings(alarm)
        if reading.namespace == "AWS/SQS"
    }
    assert watched == set(of_type("AWS::SQS::Queue"))


def no_data(_: Reading) -> None:
    """Stand for a deployment that has not been used, or is minutes old."""


HEALTHY = {
    "Count": 500.0,
    "Latency": 300.0,
    "JobsRepaired": 5.0,
    "QueueAge": 4.0,
    "ApproximateAgeOfOldestMessage": 2.0,
}


def healthy(reading: Reading) -> float | None:
    """Return what an hour of use without trouble gives; AWS reports 0 errors of what is used."""
    if reading.dimension("outcome"):
        return 40.0 if reading.dimension("outcome") == "completed" else None
    if reading.namespace == NAMESPACE:
        return HEALTHY.get(reading.metric)
    return HEALTHY.get(reading.metric, 0.0)


@pytest.mark.parametrize("values", [no_data, healthy])
@pytest.mark.parametrize("name", alarms())
def test_no_alarm_fires_on_a_healthy_first_deployment(name: str, values: Values):
    """An alarm is created in the state INSUFFICIENT_DATA: it does not change to it at first."""
    alarm = alarms()[name]
    assert state(alarm, values) in {"OK", "INSUFFICIENT_DATA"}
    if values is healthy:
        assert state(alarm, values) == "OK"


TROUBLE: dict[str, Callable[[Reading], float | None]] = {
    "ApiErrorsAlarm": lambda _: 20.0,
    "ApiErrorShareAlarm": lambda reading: {"5xx": 2.0, "Count": 25.0}[reading.metric],
    "ApiLatencyAlarm": lambda _: 6000.0,
    "ApiTailLatencyAlarm": lambda _: 29_000.0,
    "DeliveryDeadLetterQueueAlarm": lambda _: 1.0,
    "DeliveryQueueAgeAlarm": lambda _: 1000.0,
    "EventDeadLetterQueueAlarm": lambda _: 1.0,
    "EventQueueAgeAlarm": lambda _: 2000.0,
    "FailedExecutionsAlarm": lambda _: 1.0,
    "FailureRateAlarm": lambda reading: {"failed": 5.0, "completed": 15.0}[
        reading.dimension("outcome")
    ],
    "FunctionErrorsAlarm": lambda reading: 5.0 if reading.key == "poll" else 0.0,
    "FunctionThrottlesAlarm": lambda reading: 10.0 if reading.key == "api" else 0.0,
    "QueueAgeAlarm": lambda _: 3600.0,
    "ReleaseAlarm": lambda reading: 1.0 if reading.key == "finish" else None,
    "StepsReleaseAlarm": lambda reading: 1.0 if reading.key == "submit" else None,
    "SweeperErrorsAlarm": lambda _: 3.0,
    "TableThrottlesAlarm": lambda reading: 20.0 if reading.dimension(INDEX) else None,
    "TimedOutExecutionsAlarm": lambda _: 1.0,
}
"""Values with which each alarm must fire; an alarm on a `Metric` fires at the first count."""


@pytest.mark.parametrize("name", [name for name in alarms() if name != "SweeperAlarm"])
def test_alarm_fires_when_it_must(name: str):
    alarm = alarms()[name]
    own = {reading.metric for reading in readings(alarm)} <= set(Metric)
    values = TROUBLE[name] if not own else lambda _: 1.0
    assert state(alarm, values) == "ALARM"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ApiErrorShareAlarm", {"5xx": 2.0, "Count": 10.0}),
        ("ApiErrorShareAlarm", {"5xx": 4.0, "Count": 100.0}),
        ("ApiErrorShareAlarm", {"5xx": None, "Count": 100.0}),
        ("FailureRateAlarm", {"failed": 4.0, "completed": None}),
        ("FailureRateAlarm", {"failed": 5.0, "completed": 21.0}),
        ("FailureRateAlarm", {"failed": None, "completed": 3.0}),
    ],
)
def test_shares_do_not_fire_for_a_few(name: str, values: dict[str, float | None]):
    def value(reading: Reading) -> float | None:
        return values[reading.dimension("outcome") or reading.metric]

    assert state(alarms()[name], value) == "OK"


def test_failure_of_all_jobs_fires_without_a_completed_one():
    def value(reading: Reading) -> float | None:
        return 9.0 if reading.dimension("outcome") == "failed" else None

    assert state(alarms()["FailureRateAlarm"], value) == "ALARM"


def test_missing_sweeps_notify_though_there_is_no_data():
    alarm = alarms()["SweeperAlarm"]
    assert state(alarm, no_data) == "INSUFFICIENT_DATA"
    assert alarm["InsufficientDataActions"] == alarm["AlarmActions"]
    others = [name for name, each in alarms().items() if "InsufficientDataActions" in each]
    assert others == ["SweeperAlarm"]


def test_no_alarm_depends_on_a_log_line():
    assert of_type("AWS::Logs::MetricFilter") == {}


def test_every_alarm_notifies_topic_and_address():
    none = {"Ref": "AWS::NoValue"}
    actions = [
        {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopic"}, none]},
        {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmEmailTopic"}, none]},
    ]
    assert [name for name, alarm in alarms().items() if alarm["AlarmActions"] != actions] == []
    for parameter in ("AlarmTopic", "AlarmEmail"):
        empty = {"Fn::Equals": [{"Ref": parameter}, ""]}
        assert source()["Conditions"][f"Has{parameter}"] == {"Fn::Not": [empty]}
        assert source()["Parameters"][parameter]["Default"] == ""


def test_address_of_alarms_gets_a_topic_with_its_subscription():
    topic = translated()["AlarmEmailTopic"]
    assert topic["Condition"] == "HasAlarmEmail"
    subscription = {"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}
    assert topic["Properties"]["Subscription"] == [subscription]


def test_descriptions_say_what_an_alarm_means():
    for name, alarm in alarms().items():
        assert 40 <= len(alarm["AlarmDescription"]) <= 200, name
        assert alarm["AlarmDescription"].endswith("."), name


@pytest.mark.parametrize("tracing", ["Disabled", "Active"])
def test_traces_are_recorded_only_by_parameter(tracing: str):
    template = transformed(Tracing=tracing)
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        mode = resource["Properties"].get("TracingConfig")
        policies = str(template["Resources"][f"{name}Role"]["Properties"]["ManagedPolicyArns"])
        assert mode == (None if tracing == "Disabled" else {"Mode": {"Ref": "Tracing"}})
        assert ("xray" in policies.lower()) == (tracing == "Active")
    assert template["Parameters"]["Tracing"]["Default"] == "Disabled"
    machine = template["Resources"]["MediaJob"]["Properties"]["TracingConfiguration"]
    assert machine == {"Fn::If": ["HasTracing", {"Enabled": True}, {"Ref": "AWS::NoValue"}]}
    assert template["Resources"]["TracingPolicy"]["Condition"] == "HasTracing"


def test_no_function_loads_a_tracer():
    names = {
        ast.unparse(node)
        for module in modules().values()
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert [name for name in names if "xray" in name.lower() or "Tracer" in name] == []
