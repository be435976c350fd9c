"""Event about a budget, in the same envelope as job events."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from rushes.jobs.charges import DAY_LENGTH, Threshold, begins_at, key_of, resets_at
from rushes.jobs.events import Event
from rushes.jobs.times import utc_time

THRESHOLD_REACHED = "budget.threshold_reached"


class BudgetEventData(BaseModel):
    """A budget in US dollars. `used` includes the reservations of jobs that are not finished."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Name of the budget: the account, the id of the API key if it is one's, and the period."""
    account: str
    key_id: str | None
    """None for the budget of the whole account."""
    period: Literal["day", "month"]
    percent: int
    """80, or 100: all is used, or the rest is too little for a job that was refused."""
    used: float
    limit: float
    begins_at: datetime
    resets_at: datetime


class BudgetThresholdReached(Event):
    """Published once for each threshold, budget and period; receivers know repetitions by `id`."""

    data: BudgetEventData


def threshold_reached(threshold: Threshold) -> dict[str, Any]:
    name = threshold.name
    period = name.rpartition("#")[2]
    event = BudgetThresholdReached(
        id=f"evt_{name.replace('#', '_')}_{threshold.percent}",
        type=THRESHOLD_REACHED,
        timestamp=utc_time(threshold.reached_at),
        sequence=threshold.percent,
        data=BudgetEventData(
            id=name,
            account=name.partition("#")[0],
            key_id=key_of(name),
            period="day" if len(period) == DAY_LENGTH else "month",
            percent=threshold.percent,
            used=threshold.used,
            limit=threshold.limit,
            begins_at=utc_time(begins_at(period)),
            resets_at=utc_time(resets_at(period)),
        ),
    )
    return event.model_dump(mode="json")
