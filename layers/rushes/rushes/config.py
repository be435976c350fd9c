"""What the deployment tells the functions. The only reader of the environment."""

import os
from functools import cache

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """One field for each variable that the template sets; it fails at the first read, by name."""

    model_config = ConfigDict(frozen=True)

    table_name: str = Field(alias="TABLE_NAME")
    bucket_name: str = Field(alias="BUCKET_NAME")
    provider_secret_arn: str = Field(alias="PROVIDER_SECRET_ARN")
    output_days: int = Field(alias="OUTPUT_DAYS")
    output_bytes: int = Field(alias="OUTPUT_BYTES")
    """The most bytes that an output may have."""
    local_mode: bool = Field(alias="LOCAL_MODE")
    """Whether upstreams may be http and on this machine."""
    public_url: str = Field(default="", alias="PUBLIC_URL")
    """What addresses of ours begin with. Only in api."""
    daily_dollars: float = Field(default=0.0, alias="DAILY_DOLLARS")
    """What an account may spend in a day; 0 where there is no limit. Only in api."""
    bus_name: str = Field(default="", alias="BUS_NAME")
    """Only where events are announced: in submit, finish and sweep."""
    state_machine_arn: str = Field(default="", alias="STATE_MACHINE_ARN")
    """Only where executions are started: in api and sweep."""
    events_queue_url: str = Field(default="", alias="EVENTS_QUEUE_URL")
    """Only where a message is kept back for a while: in deliver."""
    deliveries_queue_url: str = Field(default="", alias="DELIVERIES_QUEUE_URL")
    """Only where messages are queued: in api, notify and sweep."""


@cache
def settings() -> Settings:
    return Settings.model_validate(dict(os.environ))
