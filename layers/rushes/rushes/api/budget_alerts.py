"""Report that a budget is almost, or entirely, used."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from rushes.api.log_events import BUDGET_NOT_REPORTED, BUDGET_THRESHOLD_REACHED
from rushes.errors import AwsUnavailable, RushesError
from rushes.jobs.charges import Charge, Threshold
from rushes.jobs.cost import DECIMALS
from rushes.metrics import Metric, count
from rushes.ports import Clock
from rushes.ports.limits import LimitUsage

ALMOST, ALL = 80, 100
"""Percent of a budget."""
MAX_REMEMBERED = 10_000
METRICS = {ALMOST: Metric.BUDGET_ALMOST_SPENT, ALL: Metric.BUDGET_SPENT}

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class BudgetAlerts:
    """Publishes an event and counts a metric, at least once for each threshold and budget."""

    usage: LimitUsage
    publish: Callable[[Threshold], bool]
    """Returns whether the bus has accepted the event."""
    clock: Clock
    _done: set[str] = field(default_factory=set)
    """Budgets with no threshold left to report."""

    def check(self, charges: Iterable[Charge], *, refused: bool = False) -> None:
        """Check the budgets after a create call; an error does not concern the call."""
        for charge in charges:
            if charge.is_budget and charge.name not in self._done:
                try:
                    self._check(charge, refused=refused)
                except RushesError as error:
                    logger.warning(BUDGET_NOT_REPORTED, budget=charge.name, reason=error.message)

    def _check(self, charge: Charge, *, refused: bool) -> None:
        usage, limit = self.usage.find(charge.name), charge.maximum or 0.0
        percent = reached(charge, usage.total, refused=refused)
        if percent > usage.reported:
            self._report(Threshold(charge.name, percent, usage.total, limit, self.clock()))
        if max(percent, usage.reported) == ALL:
            if len(self._done) >= MAX_REMEMBERED:
                self._done.clear()
            self._done.add(charge.name)

    def _report(self, threshold: Threshold) -> None:
        if not self.publish(threshold):
            raise AwsUnavailable("the bus rejected the event")
        self.usage.report(threshold.name, threshold.percent)
        logger.warning(
            BUDGET_THRESHOLD_REACHED,
            budget=threshold.name,
            percent=threshold.percent,
            used=threshold.used,
            limit=threshold.limit,
        )
        count(METRICS[threshold.percent])


def reached(charge: Charge, used: float, *, refused: bool) -> int:
    """Return the threshold that a budget has reached, 0 for none.

    A budget above 80 % that refuses a job counts as used up.
    """
    limit = charge.maximum or 0.0
    if round(used, DECIMALS) < round(limit * ALMOST / 100, DECIMALS):
        return 0
    is_full = used >= limit or (refused and used > charge.room)
    return ALL if is_full else ALMOST
