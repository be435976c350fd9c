"""Invariants of the daily budgets, checked at each write of a job and at each generated video.

The simulated providers bill the catalog's price of each video that they made, unless it failed or
was cancelled.
"""

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from rushes.jobs.cost import charged
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest
from tests.simulation.provider_faults import FAILS

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

Bill: TypeAlias = tuple[str, str]
"""An account and a UTC day."""


DEFAULTS = GenerationRequest(model="default", prompt="a red ball")
"""The simulated models have one length each."""


class BudgetInvariants:
    def __init__(self, harness: "Harness") -> None:
        self._harness = harness
        self.seen: Counter[str] = Counter()
        """Numbers of accepted jobs, refused jobs and refunds."""
        self._before: dict[Bill, int] = {}
        models = harness.catalog.models
        self._prices = {model.name: micro(model.price(DEFAULTS)) for model in models}

    def after_write(self, job: Job) -> None:
        """Check the budgets after a write of this job."""
        before, self._before = self._before, self._stored()
        if job.version == 0:
            self.seen["accepted"] += 1
            self._check_limit(self._before)
        if any(self._before.get(bill, 0) < amount for bill, amount in before.items()):
            self.seen["refunds"] += 1
        self.check_spent()

    def check_spent(self) -> None:
        """Check that no account has spent more than its limit, or more than its budget shows."""
        stored, spent = self._stored(), self._spent()
        self._check_limit(spent)
        for bill, amount in spent.items():
            enough = self._harness.daily_dollars is None or stored.get(bill, 0) >= amount
            self._check(enough, f"{bill} spent {amount}, but {stored.get(bill)} are charged")

    def check_sums(self) -> None:
        """Check that each budget has exactly what its jobs charge."""
        sums: Counter[Bill] = Counter()
        for job in self._harness.jobs.rows.values():
            if job.reservation:
                sums[job.account, job.reservation.day] += micro(charged(job))
        stored = self._stored()
        self._check(stored == dict(sums), f"the jobs charge {dict(sums)}, the budgets are {stored}")

    def _stored(self) -> dict[Bill, int]:
        return {bill: micro(dollars) for bill, dollars in self._harness.jobs.spent.items()}

    def _spent(self) -> dict[Bill, int]:
        """Return the micro-dollars that the providers bill."""
        bills = {job.request.prompt: bill_of(job) for job in self._harness.jobs.rows.values()}
        spent: Counter[Bill] = Counter()
        for provider in self._harness.providers.values():
            for video in provider.videos.values():
                if video.fault != FAILS and video.cancelled_at is None:
                    spent[bills[video.prompt]] += self._prices[f"{provider.name}/{video.model}"]
        return spent

    def _check_limit(self, amounts: dict[Bill, int]) -> None:
        limit = self._harness.daily_dollars
        for bill, amount in amounts.items():
            within = limit is None or amount <= micro(limit)
            self._check(within, f"{bill} has {amount} micro-dollars of {limit}")

    def _check(self, is_kept: object, sentence: str) -> None:
        self._harness.invariants.check(is_kept, f"budget: {sentence}")


def bill_of(job: Job) -> Bill:
    return job.account, job.reservation.day if job.reservation else ""


def micro(dollars: float) -> int:
    return round(dollars * 1_000_000)
