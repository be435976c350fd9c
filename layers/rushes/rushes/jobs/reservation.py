"""The limits of an account and its API key that a job counts towards."""

from pydantic import ConfigDict, Field

from rushes.jobs.stored import StoredModel


class Reservation(StoredModel):
    """Made when the job is accepted, if a limit applies to it. It never changes.

    The limits are named as in `jobs/charges.py`.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    day: str
    """UTC day of acceptance, as YYYY-MM-DD: its budgets pay for the job, whenever it ends."""
    dollars: float = Field(ge=0)
    """Price of the dearest model that may serve the job; 0 without a budget."""
    budgets: tuple[str, ...] | None = None
    """Budgets that pay for the job. None, in jobs of older releases: the account's of the day."""
    open_jobs: tuple[str, ...] = ()
    """Counters of the jobs that are not finished."""
    concurrent_jobs: tuple[str, ...] = ()
    """Counters of the jobs at a provider."""

    @property
    def has_budget(self) -> bool:
        return self.budgets is None or bool(self.budgets)

    def budgets_of(self, account: str) -> tuple[str, ...]:
        return (f"{account}#{self.day}",) if self.budgets is None else self.budgets

    def covers(self, dollars: float) -> bool:
        return not self.has_budget or dollars <= self.dollars
