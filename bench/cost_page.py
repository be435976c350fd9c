"""The text of docs/cost.md."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.measured_jobs import MeasuredJob, MeasuredJobs
from cli.aws_prices import Prices
from rushes.metrics import DIMENSIONS

THOUSAND = 1000
MINUTES = 60 * 24 * 30
"""Of a month."""
SWEEPS = 2 * MINUTES
LOG_BYTES = 2500
"""Per invocation: two lines and a metric of the function, and three lines of Lambda."""
POLLER_RECEIVES = 15 * MINUTES
"""Empty receives of an event source mapping: five connections of 20 seconds each."""
QUEUE_REQUESTS = 3
"""Per event: send, receive and delete, without batches."""
PROVIDERS = 3
RETENTION_MONTHS = 3
"""Of a job's items."""
SUMMARY_BYTES, SUMMARY_DAYS = 800, 310
"""Of a job's summary, and how long it outlives the other items."""
ALARM, DASHBOARD, SECRET = (
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::SecretsManager::Secret",
)
FUNCTIONS = {
    name: f"{name.title()}Function"
    for name in ("api", "submit", "poll", "collect", "finish", "sweep", "notify")
}

HEAD = """\
# Cost

The bill of AWS for a deployment, without the bills of the providers. `bench/cost.py` computes this
page from jobs that it measured on the functions (`bench/measured_jobs.toml`) and AWS's list prices
of {region} on {date} (`cli/aws_prices.toml`, with sources), without free tiers and discounts.
`.local/envs/dev/bin/python -m bench.cost --measure` measures the jobs and writes the page again; a
test fails if it is out of date. `./rushes doctor` shows the cost of Lambda and DynamoDB since the
deployment, AWS Cost Explorer the bill.

The duration of an invocation is an assumption, because it depends on your providers and on the
size of their outputs: {durations}.
Change `function_seconds` in `cli/aws_quotas.toml`.
"""
JOBS_HEAD = """
## Per 1,000 jobs

One output each, with learned durations, and a client that asks for the status every 10 seconds.
In dollars:
"""
IDLE_HEAD = """
## Idle

A month without a job, with {providers} providers and default parameters:
"""
STORAGE_HEAD = """
## Storage and downloads
"""
UNITS_HEAD = """
## What was measured

Figures of one job; the units are those of `bench/write_units.py`.
"""
NOT_INCLUDED = """
Not included: webhook deliveries (each one invocation of `deliver`, three requests to the FIFO queue
and a few write units), X-Ray, CloudFront, a VPC's NAT gateway, retries, and AWS Support.
"""


METRICS = """
While jobs run, the metrics of the dashboard add up to ${dollars:.2f} a month: {count} metrics, each
billed for the hours in which it has values (`rushes/metrics.py`). Each provider adds some.
"""
VALUES = {"api": 1, "status": 4, "outcome": 4, "provider": PROVIDERS}
"""Values of each dimension of a metric."""


def _metrics() -> int:
    """Return the number of metrics of a deployment at work."""
    sets = [names for found in DIMENSIONS.values() for names in found]
    return sum(math.prod(VALUES[name] for name in names) for names in sets)


def page(
    measured: MeasuredJobs,
    prices: Prices,
    seconds: Mapping[str, float],
    template: Mapping[str, Any],
) -> str:
    bill = _Bill(prices, seconds, template)
    durations = ", ".join(f"`{name}` {value:g} s" for name, value in seconds.items())
    head = HEAD.format(region=prices.region, date=prices.date, durations=durations)
    return "".join(
        [
            head,
            JOBS_HEAD,
            _job_table(measured, bill),
            NOT_INCLUDED,
            IDLE_HEAD.format(providers=PROVIDERS),
            _idle_table(measured, bill),
            METRICS.format(count=_metrics(), dollars=_metrics() * prices.dollars("metric_month")),
            STORAGE_HEAD,
            _storage_table(measured, prices),
            UNITS_HEAD,
            _units_table(measured),
        ]
    )


class _Bill:
    def __init__(
        self, prices: Prices, seconds: Mapping[str, float], template: Mapping[str, Any]
    ) -> None:
        self._seconds = seconds
        self._price = prices.dollars
        self._second = prices.lambda_gigabyte_second(
            template["Parameters"]["Architecture"]["Default"]
        )
        self._resources = template["Resources"]
        default = template["Globals"]["Function"]["MemorySize"]
        self._memory: dict[str, float] = {
            name: self._resources[logical_id]["Properties"].get("MemorySize", default) / 1024
            for name, logical_id in FUNCTIONS.items()
        }

    def job(self, job: MeasuredJob) -> dict[str, float]:
        """Return the dollars of a job by service."""
        price, calls = self._price, {**job.invocations, "notify": job.events}
        return {
            "API Gateway": job.invocations["api"] * price("api_gateway_request"),
            "Lambda": sum(count * self.invocation(name) for name, count in calls.items()),
            "Step Functions": job.transitions * price("state_transition"),
            "DynamoDB": job.write_units * price("dynamodb_write_unit")
            + job.read_units * price("dynamodb_read_unit"),
            "S3": job.object_writes * price("s3_write") + job.object_reads * price("s3_read"),
            "EventBridge": job.events * price("eventbridge_event"),
            "SQS": job.events * QUEUE_REQUESTS * price("sqs_request"),
            "Logs": sum(calls.values()) * self._log,
        }

    def idle(self, read_units: float) -> dict[str, float]:
        """Return the dollars of a month by service."""
        price, count = self._price, self._count
        receives = price("sqs_request") + price("sqs_fifo_request")
        return {
            "Lambda: two sweeps every minute": SWEEPS * self.invocation("sweep"),
            "DynamoDB: their reads": MINUTES * read_units * price("dynamodb_read_unit"),
            "SQS: empty receives of two queues": POLLER_RECEIVES * receives,
            "CloudWatch: logs of the sweeps": SWEEPS * self._log,
            f"CloudWatch: {count(ALARM)} alarms": count(ALARM) * price("alarm_month"),
            f"CloudWatch: {count(DASHBOARD)} dashboard, if you have three": count(DASHBOARD)
            * price("dashboard_month"),
            f"Secrets Manager: {PROVIDERS + count(SECRET)} secrets": (PROVIDERS + count(SECRET))
            * price("secret_month"),
        }

    def invocation(self, name: str) -> float:
        seconds = self._seconds[name]
        return seconds * self._memory[name] * self._second + self._price("lambda_request")

    @property
    def _log(self) -> float:
        return LOG_BYTES / 1e9 * self._price("log_gigabyte")

    def _count(self, resource_type: str) -> int:
        return sum(resource["Type"] == resource_type for resource in self._resources.values())


def _job_table(measured: MeasuredJobs, bill: _Bill) -> str:
    rows = []
    services: Sequence[str] = ()
    for job in measured.jobs:
        dollars = {name: value * THOUSAND for name, value in bill.job(job).items()}
        services = list(dollars)
        total = sum(dollars.values())
        amounts = [f"{amount:.3f}" for amount in dollars.values()]
        rows.append([job.kind, f"{job.seconds} s", *amounts, f"**{total:.2f}**"])
    return _table(["job", "provider takes", *services, "total"], rows)


def _idle_table(measured: MeasuredJobs, bill: _Bill) -> str:
    dollars = bill.idle(measured.idle_read_units)
    rows = [[name, f"{amount:.2f}"] for name, amount in dollars.items() if amount]
    return _table(
        ["service", "$ per month"], [*rows, ["total", f"**{sum(dollars.values()):.2f}**"]]
    )


def _storage_table(measured: MeasuredJobs, prices: Prices) -> str:
    price = prices.dollars
    gigabyte_month = price("dynamodb_gigabyte_month") + price("dynamodb_backup_gigabyte_month")
    rows = [
        ["media in the bucket", "GB and month", f"{price('s3_gigabyte_month'):.3f}"],
        ["download to the internet", "GB", f"{price('transfer_out_gigabyte'):.2f}"],
        ["download within the region", "GB", "0.00"],
        ["logs", "GB and month", f"{price('log_gigabyte_month'):.2f}"],
    ]
    for kind, stored in {job.kind: job.stored_bytes for job in measured.jobs}.items():
        dollars = stored / 1e9 * gigabyte_month * RETENTION_MONTHS * THOUSAND
        rows.append([f"items of jobs: {kind}", "1,000 jobs, 90 days", f"{dollars:.4f}"])
    dollars = SUMMARY_BYTES / 1e9 * gigabyte_month * SUMMARY_DAYS / 30 * THOUSAND
    period = f"1,000 jobs, {SUMMARY_DAYS} days"
    rows.append(["summaries of jobs, after that", period, f"{dollars:.4f}"])
    return _table(["what", "for", "$"], rows)


def _units_table(measured: MeasuredJobs) -> str:
    rows = [
        [
            job.kind,
            f"{job.seconds} s",
            f"{job.write_units:g}",
            f"{job.read_units:g}",
            f"{job.transitions:g}",
            f"{job.invocations['api']:g}",
            f"{job.invocations.get('poll', 0):g}",
            f"{job.events:g}",
            f"{job.object_writes:g} / {job.object_reads:g}",
        ]
        for job in measured.jobs
    ]
    columns = ["job", "provider takes", "write units", "read units", "transitions", "API requests"]
    return _table([*columns, "polls", "events", "S3 writes / reads"], rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
