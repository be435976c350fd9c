"""Invariants of the limits, checked at each write of a job and at each generated video.

The simulated providers bill the catalog's price of each video that they made, unless it failed or
was cancelled.
"""

from collections import Counter
from typing import TYPE_CHECKING

from rushes.api.usage.totals import Table
from rushes.jobs.charges import (
    AT_PROVIDER,
    DAY_LENGTH,
    OPEN,
    is_at_provider,
    is_budget,
    key_of,
)
from rushes.jobs.cost import charged
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest
from rushes.jobs.summary import summary_of
from tests.simulation.provider_faults import FAILS
from tests.simulation.table import micro

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

DEFAULTS = GenerationRequest(model="default", prompt="a red ball")
"""The simulated models have one length each."""
MONTH_LENGTH = len("YYYY-MM")


class BudgetInvariants:
    def __init__(self, harness: "Harness") -> None:
        self._harness = harness
        self.seen: Counter[str] = Counter()
        """Numbers of accepted jobs, refused jobs and refunds."""
        self._before: dict[str, int] = {}
        self._maxima: dict[str, float | None] = {}
        """Those of the limits that were checked, by name."""
        models = harness.catalog.models
        self._prices = {model.name: micro(model.price(DEFAULTS)) for model in models}

    def after_write(self, job: Job) -> None:
        """Check the limits after a write of this job."""
        before, self._before = self._before, self._stored()
        if job.version == 0:
            self.seen["accepted"] += 1
        for name, amount in self._before.items():
            self._check_maximum(name, amount)
            if is_budget(name) and amount < before.get(name, 0):
                self.seen["refunds"] += 1
        self._check_counters()
        self.check_spent()

    def check_spent(self) -> None:
        """Check that no budget is overspent, and that none shows less than is spent of it."""
        stored = self._stored()
        for name, amount in self._spent().items():
            self._check_maximum(name, amount)
            enough = stored.get(name, 0) >= amount
            self._check(enough, f"{name} spent {amount}, but {stored.get(name)} are charged")

    def check_sums(self) -> None:
        """Check that each budget has exactly what its jobs charge, and each counter nothing."""
        limits = self._harness.jobs.limits
        sums: Counter[str] = Counter()
        for job in self._harness.jobs.rows.values():
            for name in budgets_of(job):
                sums[name] += micro(charged(job))
        for name, amount in self._stored().items():
            self._check(amount == sums[name], f"the jobs charge {sums[name]}, {name} has {amount}")
            settled = micro(limits.find(name).settled) if is_budget(name) else 0
            self._check(amount == settled, f"{name} has {amount}, {settled} are settled")
            reserved, refunded = limits.charged[name], limits.refunded[name]
            kept = reserved == settled + refunded
            self._check(kept, f"{name}: {reserved} reserved, {settled} + {refunded} accounted for")
        self._check_usage()

    def _check_usage(self) -> None:
        """Check that the usage report has what the budgets of the accounts have settled."""
        for dimension, length in (("day", DAY_LENGTH), ("month", MONTH_LENGTH)):
            usage = Table(("account", dimension))
            for job in self._harness.jobs.rows.values():
                usage.add(summary_of(job))
            for (account, period), totals in usage.rows.items():
                name = f"{account}#{period}"
                if period is None or len(period) != length or name not in self._before:
                    continue
                settled = micro(self._harness.jobs.limits.find(name).settled)
                same = totals.settled == settled
                self._check(same, f"{name} settled {settled}, usage has {totals.settled}")

    def _check_counters(self) -> None:
        """Check that each counter has the number of its jobs."""
        counts: Counter[str] = Counter()
        for job in self._harness.jobs.rows.values():
            if job.reservation and not job.is_finished:
                counts.update(job.reservation.open_jobs)
                counts.update(job.reservation.concurrent_jobs if is_at_provider(job) else ())
        for name, amount in self._before.items():
            if not is_budget(name):
                same = amount == micro(counts[name])
                self._check(same, f"{name} counts {amount} millionths, {counts[name]} jobs count")

    def _stored(self) -> dict[str, int]:
        limits = self._harness.jobs.limits
        return {name: micro(limits.find(name).total) for name in limits.rows}

    def _spent(self) -> Counter[str]:
        """Return the micro-dollars that the providers bill, by budget."""
        jobs = {job.request.prompt: job for job in self._harness.jobs.rows.values()}
        spent: Counter[str] = Counter()
        for provider in self._harness.providers.values():
            for video in provider.videos.values():
                if video.fault != FAILS and video.cancelled_at is None:
                    price = self._prices[f"{provider.name}/{video.model}"]
                    spent.update(dict.fromkeys(budgets_of(jobs[video.prompt]), price))
        return spent

    def _check_maximum(self, name: str, amount: int) -> None:
        if name not in self._maxima:
            self._maxima[name] = self._maximum(name)
        maximum = self._maxima[name]
        within = not maximum or amount <= micro(maximum)
        self._check(within, f"{name} has {amount} micro-dollars of {maximum}")

    def _maximum(self, name: str) -> float | None:
        limits, period = self._harness.limits, name.rpartition("#")[2]
        key_id = key_of(name)
        limit = limits.keys[key_id] if key_id else limits.of_account(name.partition("#")[0])
        if not is_budget(name):
            return {OPEN: limit.open_jobs, AT_PROVIDER: limit.concurrent_jobs}[period]
        return limit.monthly_dollars if len(period) == MONTH_LENGTH else limit.daily_dollars

    def _check(self, is_kept: object, sentence: str) -> None:
        self._harness.invariants.check(is_kept, f"limits: {sentence}")


def budgets_of(job: Job) -> tuple[str, ...]:
    return job.reservation.budgets_of(job.account) if job.reservation else ()
