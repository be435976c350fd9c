"""Rate of jobs at which each AWS quota is reached."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).with_name("aws_quotas.toml")
LARGE_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})


class Quota(BaseModel):
    """`value` applies in `LARGE_REGIONS`, and `elsewhere`, if given, in the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    use: str
    """Field of `JobLoad`."""
    value: float
    elsewhere: float | None = None
    burst: str = ""
    service_code: str = ""
    """Code and name of the quota in Service Quotas; empty if it is not listed there."""
    quota_name: str = ""
    adjustable: bool
    source: str

    def in_region(self, region: str) -> float:
        is_large = region in LARGE_REGIONS or self.elsewhere is None
        return self.value if is_large else self.elsewhere or self.value


class Quotas(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    quotas: tuple[Quota, ...]
    function_seconds: Mapping[str, float]
    """Billed duration of one invocation by function."""


@dataclass(frozen=True)
class JobLoad:
    """What one job uses."""

    job_seconds: float
    """From the create call to the end."""
    transitions: float
    function_seconds: float
    hottest_key_units: float
    """Write units per job of the partition key with the most."""
    table_units: float
    """Write units of the table, or of its busiest index."""
    api_requests: float
    events: float
    object_writes: float
    secret_reads: float
    describes: float
    deliveries: float = 1.0
    executions: float = 1.0


@dataclass(frozen=True)
class Ceiling:
    quota: Quota
    jobs_per_second: float


THREE_MINUTES = JobLoad(
    job_seconds=190,
    transitions=20,
    function_seconds=7,
    hottest_key_units=2,
    table_units=40,
    api_requests=25,
    events=3,
    object_writes=1,
    secret_reads=0.1,
    describes=0.2,
)
"""A video of three minutes, polled by its client every 10 seconds (bench/load_model.py)."""


def read_quotas() -> Quotas:
    return Quotas.model_validate(tomllib.loads(FILE.read_text("utf-8")))


def ceilings(
    load: JobLoad, quotas: tuple[Quota, ...], region: str, applied: Mapping[str, float]
) -> list[Ceiling]:
    """Return the ceiling of each quota, the lowest first; `applied` are an account's own values."""
    use = asdict(load)
    found = [
        Ceiling(quota, applied.get(quota.name, quota.in_region(region)) / use[quota.use])
        for quota in quotas
        if use[quota.use]
    ]
    return sorted(found, key=lambda ceiling: ceiling.jobs_per_second)
