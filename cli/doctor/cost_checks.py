"""Check of the cost since the deployment, from CloudWatch's metrics and list prices."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cli.aws_prices import Prices, read_prices
from cli.doctor.answer import Answer, Check, passed, unknown
from cli.doctor.deployment import Deployment
from rushes.aws.dynamodb.items import INDEXES

NOT_LOCAL = "the local stack has no bill"
DAY = 24 * 3600
MAX_DAYS = 450
"""CloudWatch keeps daily sums for 455 days."""


def since_deployment(deployment: Deployment) -> Answer:
    created = max(deployment.stack["CreationTime"].timestamp(), deployment.now() - MAX_DAYS * DAY)
    start = datetime.fromtimestamp(created, UTC)
    prices = read_prices()
    functions = sum(_function_dollars(deployment, start, prices))
    units = sum(_table_dollars(deployment, start, prices))
    machine = {"StateMachineArn": deployment.outputs["StateMachineArn"]}
    jobs = _sum(deployment, start, "AWS/States", "ExecutionsStarted", machine)
    if not functions:
        return unknown("CloudWatch has no metrics of the functions")
    return passed(
        f"about ${functions:.2f} Lambda and ${units:.2f} DynamoDB since {start:%Y-%m-%d},"
        f" {jobs:,.0f} executions; docs/cost.md has the other services, Cost Explorer the bill"
    )


def _function_dollars(deployment: Deployment, start: datetime, prices: Prices) -> Iterator[float]:
    for found in deployment.functions.values():
        name = {"FunctionName": found["FunctionName"]}
        milliseconds = _sum(deployment, start, "AWS/Lambda", "Duration", name)
        calls = _sum(deployment, start, "AWS/Lambda", "Invocations", name)
        gigabytes = found["MemorySize"] / 1024
        yield (
            milliseconds
            / 1000
            * gigabytes
            * prices.lambda_gigabyte_second(found.get("Architectures", ["x86_64"])[0])
        )
        yield calls * prices.dollars("lambda_request")


def _table_dollars(deployment: Deployment, start: datetime, prices: Prices) -> Iterator[float]:
    table = {"TableName": deployment.target.table}
    places = [
        table,
        *({**table, "GlobalSecondaryIndexName": name} for name in INDEXES),
    ]
    for place in places:
        for metric, price in (
            ("ConsumedWriteCapacityUnits", "dynamodb_write_unit"),
            ("ConsumedReadCapacityUnits", "dynamodb_read_unit"),
        ):
            yield _sum(deployment, start, "AWS/DynamoDB", metric, place) * prices.dollars(price)


def _sum(
    deployment: Deployment, start: datetime, namespace: str, metric: str, names: dict[str, str]
) -> float:
    found: dict[str, Any] = deployment.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in names.items()],
        StartTime=start,
        EndTime=datetime.fromtimestamp(deployment.now(), UTC),
        Period=DAY,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


CHECKS = (Check("cost.since_deployment", since_deployment, not_local=NOT_LOCAL),)
