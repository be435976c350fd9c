"""Events and metrics at 80 % and 100 % of a budget, once for each budget and period."""

from dataclasses import replace
from typing import Any

import pytest

from rushes.api.budget_alerts import BudgetAlerts
from rushes.api.job_service import JobService
from rushes.catalog.limits import Limit, Limits
from rushes.errors import AwsUnavailable, BudgetExceeded
from rushes.jobs.budget_events import threshold_reached
from rushes.jobs.charges import Threshold
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.metrics import Metric
from rushes.ports.limits import Usage
from tests.harness import ACCOUNT, Harness

KEY_ID = "0123456789abcdef"
DAY = 24 * 3600.0
PRICE = 0.4
"""Dollars of four seconds of `sandbox/one`."""


class Deployment:
    def __init__(self, limits: Limits) -> None:
        self.harness = Harness()
        self.harness.catalog = self.harness.catalog.model_copy(update={"limits": limits})
        self.published: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.is_rejected = False
        self.reads = 0
        self.service = self.new_function()

    def new_function(self) -> JobService:
        """A function without memory."""
        service = self.harness.service
        alerts = BudgetAlerts(self, self._publish, self.harness.clock)
        return replace(service, create_job=replace(service.create_job, alerts=alerts))

    def find(self, name: str) -> Usage:
        self.reads += 1
        return self.harness.jobs.limits.find(name)

    def report(self, name: str, percent: int) -> None:
        self.harness.jobs.limits.report(name, percent)

    def _publish(self, threshold: Threshold) -> bool:
        if self.error:
            raise self.error
        if not self.is_rejected:
            self.published.append(threshold_reached(threshold))
        return not self.is_rejected

    def create(self, jobs: int, key_id: str = "", seconds: int = 4) -> int:
        """Create jobs and return the number of those that were accepted."""
        count = 0
        for _ in range(jobs):
            request = GenerationRequest(model="sandbox/one", prompt="x", seconds=seconds)
            try:
                self.service.create(
                    ACCOUNT,
                    "openai",
                    CreateRequest(request),
                    IdempotencyInfo("openai create", key_id=key_id),
                )
            except BudgetExceeded:
                continue
            count += 1
        return count

    @property
    def reports(self) -> list[tuple[str, int]]:
        return [(event["data"]["id"], event["data"]["percent"]) for event in self.published]


def metrics(capsys: pytest.CaptureFixture[str]) -> tuple[int, int]:
    """How often the metrics of 80 % and 100 % were counted."""
    printed = capsys.readouterr().out
    names = Metric.BUDGET_ALMOST_SPENT, Metric.BUDGET_SPENT
    almost, spent = (printed.count(f'"{name.value}":') for name in names)
    return almost, spent


def test_each_threshold_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    deployment = Deployment(Limits(daily_dollars=4.0))
    counts = []
    for _ in range(13):
        deployment.create(1)
        counts.append(len(deployment.published))
    assert counts == [0] * 7 + [1, 1] + [2] * 4
    assert deployment.reports == [(f"{ACCOUNT}#2027-01-15", 80), (f"{ACCOUNT}#2027-01-15", 100)]
    assert metrics(capsys) == (1, 1)


def test_event_names_the_budget() -> None:
    deployment = Deployment(Limits(keys={KEY_ID: Limit(monthly_dollars=1.0)}))
    deployment.create(2, KEY_ID)
    (event,) = deployment.published
    assert event["type"] == "budget.threshold_reached"
    assert event["id"] == f"evt_{ACCOUNT}_{KEY_ID}_2027-01_80"
    assert event["data"] == {
        "id": f"{ACCOUNT}#{KEY_ID}#2027-01",
        "account": ACCOUNT,
        "key_id": KEY_ID,
        "period": "month",
        "percent": 80,
        "used": 0.8,
        "limit": 1.0,
        "begins_at": "2027-01-01T00:00:00Z",
        "resets_at": "2027-02-01T00:00:00Z",
    }


def test_new_period_is_reported_again() -> None:
    deployment = Deployment(Limits(daily_dollars=1.0, monthly_dollars=100.0))
    deployment.create(2)
    deployment.harness.clock.advance(DAY)
    deployment.create(2)
    days = [f"{ACCOUNT}#2027-01-15", f"{ACCOUNT}#2027-01-16"]
    assert deployment.reports == [(day, 80) for day in days]


def test_budgets_are_reported_separately() -> None:
    limits = Limits(daily_dollars=1.0, keys={KEY_ID: Limit(daily_dollars=0.8)})
    deployment = Deployment(limits)
    deployment.create(2, KEY_ID)
    assert deployment.reports == [
        (f"{ACCOUNT}#2027-01-15", 80),
        (f"{ACCOUNT}#{KEY_ID}#2027-01-15", 100),
    ]


def test_refusal_of_an_almost_used_budget_is_all_of_it() -> None:
    deployment = Deployment(Limits(daily_dollars=1.0))
    assert deployment.create(3) == 2
    assert [percent for _, percent in deployment.reports] == [80, 100]


def test_refusal_of_a_large_job_is_none() -> None:
    deployment = Deployment(Limits(daily_dollars=1.0))
    deployment.create(1)
    assert deployment.create(1, seconds=8) == 0
    assert deployment.reports == []


def test_other_functions_do_not_repeat_a_report() -> None:
    deployment = Deployment(Limits(daily_dollars=1.0))
    deployment.create(3)
    for _ in range(3):
        deployment.service = deployment.new_function()
        deployment.create(1)
    assert len(deployment.published) == 2


def test_refused_calls_after_the_last_report_read_nothing() -> None:
    deployment = Deployment(Limits(daily_dollars=1.0))
    deployment.create(3)
    reads = deployment.reads
    assert deployment.create(100) == 0
    assert deployment.reads == reads


@pytest.mark.parametrize("failure", ["error", "rejection"])
def test_event_that_is_not_published_is_published_by_the_next_call(failure: str) -> None:
    deployment = Deployment(Limits(daily_dollars=2.0))
    deployment.error = AwsUnavailable("throttled") if failure == "error" else None
    deployment.is_rejected = failure == "rejection"
    assert deployment.create(4) == 4
    assert deployment.published == []
    deployment.error, deployment.is_rejected = None, False
    deployment.create(1)
    assert [percent for _, percent in deployment.reports] == [100]


def test_raised_limit_is_not_reported_below_its_thresholds() -> None:
    deployment = Deployment(Limits(daily_dollars=1.0))
    deployment.create(2)
    raised = {"limits": Limits(daily_dollars=10.0)}
    deployment.harness.catalog = deployment.harness.catalog.model_copy(update=raised)
    deployment.service = deployment.new_function()
    deployment.create(3)
    assert [percent for _, percent in deployment.reports] == [80]


def test_jobs_without_a_budget_read_nothing() -> None:
    deployment = Deployment(Limits(open_jobs=5))
    deployment.create(5)
    assert (deployment.reads, deployment.published) == (0, [])
