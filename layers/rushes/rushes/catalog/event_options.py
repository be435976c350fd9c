"""Which events a deployment publishes."""

from pydantic import BaseModel, ConfigDict


class EventOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    progress: bool = False
    """Publish `job.progress`: each one costs an event of the bus."""
