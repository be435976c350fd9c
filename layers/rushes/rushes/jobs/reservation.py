"""The share of an account's daily budget that is reserved for a job."""

from pydantic import BaseModel, ConfigDict, Field


class Reservation(BaseModel):
    """Made when the job is accepted, if the deployment has a daily budget. It never changes."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    day: str
    """UTC day of acceptance, as YYYY-MM-DD: its budget pays for the job, whenever it ends."""
    dollars: float = Field(ge=0)
    """Price of the dearest model that may serve the job."""

    def covers(self, dollars: float) -> bool:
        return dollars <= self.dollars
