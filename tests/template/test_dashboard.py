"""Dashboard and saved queries: every metric exists, every queried event and field is logged."""

import ast
import json
import re
from itertools import pairwise
from typing import Any

import pytest

from rushes.metrics import DIMENSION, DIMENSIONS, NAMESPACE, Measure, Metric, ProviderMetric
from tests.template.test_alarms import AWS_METRICS, INDEX, index_names, modules
from tests.template.test_template import of_type, translated
from tests.unit.test_log_events import EVENTS

STACK = "${AWS::StackName}"
BY_CODE = ("provider", "code")
SEARCH = re.compile(
    r"SEARCH\('\{Rushes,(?P<dimensions>[a-z,]+)\} service=\"\$\{AWS::StackName\}\""
    r" MetricName=\"(?P<metric>\w+)\"', '(?:Sum|Maximum|p50)', 300\)"
)
MORE_AWS_METRICS: dict[tuple[str, str], dict[str, str]] = {
    ("AWS/ApiGateway", "4xx"): {"ApiId": "AWS::ApiGatewayV2::Api"},
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): {"TableName": "AWS::DynamoDB::Table"},
    ("AWS/Lambda", "Duration"): {"FunctionName": "AWS::Lambda::Function"},
    ("AWS/States", "ExecutionsStarted"): {"StateMachineArn": "AWS::StepFunctions::StateMachine"},
    ("AWS/States", "ExecutionsSucceeded"): {"StateMachineArn": "AWS::StepFunctions::StateMachine"},
}
VALUES = {
    "outcome": {"completed", "cancelled", "refused", "failed"},
    "status": {"delivered", "pending", "failed", "cancelled"},
}
LAMBDA_FIELDS = {"@timestamp", "message", "xray_trace_id", "next_step.status"}
"""Fields of every line, and one of a field with members."""


def body() -> dict[str, Any]:
    text, _ = translated()["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def widgets(kind: str) -> list[dict[str, Any]]:
    return [widget["properties"] for widget in body()["widgets"] if widget["type"] == kind]


METRICS = [entry for widget in widgets("metric") for entry in widget["metrics"]]
PLAIN = [entry for entry in METRICS if isinstance(entry[0], str)]
SEARCHED = [entry[0]["expression"] for entry in METRICS if isinstance(entry[0], dict)]


def dimensions_of(entry: list[Any]) -> dict[str, str]:
    names = [part for part in entry[2:] if isinstance(part, str)]
    return dict(zip(names[::2], names[1::2], strict=True))


@pytest.mark.parametrize("entry", PLAIN, ids=str)
def test_metric_of_the_dashboard_is_emitted(entry: list[Any]):
    namespace, metric = entry[:2]
    dimensions = dimensions_of(entry)
    if namespace == NAMESPACE:
        assert dimensions.pop(DIMENSION) == STACK
        sets = DIMENSIONS[Measure(metric)] if metric in set(Measure) else ((),)
        assert metric in {*Metric, *Measure}
        assert tuple(dimensions) in sets
        assert all(value in VALUES[name] for name, value in dimensions.items())
        return
    expected = {**AWS_METRICS, **MORE_AWS_METRICS}[namespace, metric]
    index = dimensions.pop(INDEX, None)
    assert index is None or index in index_names()
    assert dimensions.keys() == expected.keys()
    for name, value in dimensions.items():
        resource = value.removeprefix("${").removesuffix("}").removesuffix(".QueueName")
        resource = "Table" if resource == "TableName" else resource
        assert translated()[resource]["Type"] == expected[name]


@pytest.mark.parametrize("expression", SEARCHED)
def test_search_of_the_dashboard_has_dimensions_that_are_emitted(expression: str):
    match = SEARCH.fullmatch(expression)
    assert match
    names = set(match["dimensions"].split(",")) - {DIMENSION}
    metric = match["metric"]
    sets = DIMENSIONS[Measure(metric)] if metric in set(Measure) else (BY_CODE,)
    assert metric in {*Measure, *ProviderMetric}
    assert names in [set(each) for each in sets]


def test_dashboard_shows_every_measure_and_count_by_provider():
    shown = {entry[1] for entry in PLAIN}
    shown |= {match["metric"] for match in map(SEARCH.fullmatch, SEARCHED) if match}
    assert set(Measure) | set(ProviderMetric) <= shown


def test_dashboard_shows_the_alarms_that_every_deployment_has():
    (widget,) = widgets("alarm")
    existing = [
        f"${{{name}.Arn}}"
        for name, resource in translated().items()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Condition"] == "OnAws"
    ]
    assert sorted(widget["alarms"]) == sorted(existing)


def test_widgets_do_not_overlap():
    places = sorted((each["y"], each["x"], each["width"]) for each in body()["widgets"])
    for (y, x, width), (next_y, next_x, _) in pairwise(places):
        assert next_y > y or next_x >= x + width
        assert x + width <= 24


def test_dashboard_and_queries_are_for_aws_only():
    for kind in ("AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition"):
        resources = [each for each in translated().values() if each["Type"] == kind]
        assert resources
        assert {each["Condition"] for each in resources} == {"OnAws"}


def test_every_function_is_on_the_dashboard():
    shown = {dimensions_of(entry).get("FunctionName") for entry in PLAIN} - {None}
    assert shown == {f"${{{name}}}" for name in of_type("AWS::Lambda::Function")}


def queries() -> dict[str, str]:
    return {
        query["Name"]["Fn::Sub"].removeprefix(f"{STACK}/"): query["QueryString"]
        for query in of_type("AWS::Logs::QueryDefinition").values()
    }


def logged_fields() -> set[str]:
    """Return the names of all fields that code passes to a logger, or puts into a mapping."""
    names: set[str] = set()
    for module in modules().values():
        for node in ast.walk(module):
            match node:
                case ast.Call(func=ast.Attribute(ast.Name("logger"))):
                    names |= {keyword.arg for keyword in node.keywords if keyword.arg}
                case ast.Dict():
                    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                    names |= {key for key in keys if isinstance(key, str)}
                case _:
                    pass
    return names


@pytest.mark.parametrize("name", queries())
def test_query_has_events_and_fields_that_are_logged(name: str):
    query = queries()[name]
    texts = set(re.findall(r'"([a-z_]+)"', query))
    assert texts <= EVENTS
    bare = re.sub(r'"[^"]*"', "", query)
    made = set(re.findall(r"\bas (\w+)", bare))
    words = {"fields", "filter", "stats", "sort", "limit", "asc", "desc", "by", "as", "in", "or"}
    words |= {"count", "sum", "latest"}
    used = set(re.findall(r"@?[a-z_][\w.]*", bare)) - words - made
    assert used <= logged_fields() | LAMBDA_FIELDS


def test_queries_are_those_of_the_runbook():
    assert set(queries()) == {
        "one job",
        "one request id",
        "errors by provider",
        "slow requests",
        "refused keys",
        "spend by account",
    }
