"""Settings of a function, from the environment variables that the template sets."""

import os
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from rushes.jobs.epoch import Epoch


class Settings(BaseModel):
    """One field per variable; a missing one is reported by name at the first read."""

    model_config = ConfigDict(frozen=True)

    table_name: str = Field(alias="TABLE_NAME")
    bucket_name: str = Field(alias="BUCKET_NAME")
    provider_secrets: str = Field(alias="PROVIDER_SECRETS")
    """Prefix of the names of the providers' secrets."""
    restore_epoch: int = Field(default=0, alias="RESTORE_EPOCH", ge=0)
    """Raised by the operator with each restored table (docs/restore.md)."""
    output_days: int = Field(alias="OUTPUT_DAYS")
    output_bytes: int = Field(alias="OUTPUT_BYTES")
    """Maximum size of an output."""
    local_mode: bool = Field(alias="LOCAL_MODE")
    """Allow upstreams over http and on this machine."""
    public_url: str = Field(default="", alias="PUBLIC_URL")
    """Base URL of the API. Set in api."""
    download_url: str = Field(default="", alias="DOWNLOAD_URL")
    """Base URL of the distribution in front of the bucket; empty for none. Set in api."""
    daily_dollars: float = Field(default=0.0, alias="DAILY_DOLLARS", ge=0, allow_inf_nan=False)
    """Daily budget of an account, if the configuration sets none; 0 is unlimited. Set in api."""
    creates_per_minute: int = Field(default=0, alias="CREATES_PER_MINUTE", ge=0)
    """The same for create calls."""
    bus_name: str = Field(default="", alias="BUS_NAME")
    """Set in the functions that publish events: api, submit, finish, sweep and deliver."""
    state_machine_arn: str = Field(default="", alias="STATE_MACHINE_ARN")
    """Set in the functions that start executions: api and sweep."""
    events_queue_url: str = Field(default="", alias="EVENTS_QUEUE_URL")
    """Set in deliver, which queues messages with a delay."""
    poll_function: str = Field(default="", alias="POLL_FUNCTION")
    """ARN of the poll function. Set in api, which lets it check a provider's key."""
    deliveries_queue_url: str = Field(default="", alias="DELIVERIES_QUEUE_URL")
    """Set in the functions that queue deliveries: api, notify and sweep."""
    webhook_key: str = Field(default="", alias="WEBHOOK_KEY")
    """ARN of the secret with the key of webhook signing secrets. Set in api and deliver."""

    @property
    def epoch(self) -> Epoch:
        return Epoch(self.table_name, self.restore_epoch)


@cache
def settings() -> Settings:
    return Settings.model_validate(dict(os.environ))


def public_url() -> str:
    """Return the base URL of the API, for routes that need no other setting."""
    return os.environ.get("PUBLIC_URL", "")
