"""What one job uses of AWS, measured on the functions in virtual time and recorded in a file."""

import tomllib
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench.job_kinds import KINDS, JobKind
from bench.unit_meter import Partition, UnitMeter
from bench.virtual_stack import VirtualStack, virtual_stack
from functions.sweep.app import DELIVERIES

FILE = Path(__file__).with_name("measured_jobs.toml")
HEADING = "# Written by `python -m bench.cost --measure`. Figures of one job; idle: of a minute.\n"
WARM_UP = 4
"""Jobs before the measurement: their durations schedule the polls, as in a deployment at work."""
OBJECT_WRITES = frozenset(
    {
        "PutObject",
        "CopyObject",
        "ListObjectsV2",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
    }
)
OBJECT_READS = frozenset({"GetObject", "HeadObject"})


class MeasuredJob(BaseModel):
    """Figures per job. Units of sweeps that find nothing to do belong to an idle deployment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    seconds: int
    """Time that the provider takes."""
    jobs: int = 1
    accounts: int = 1
    write_units: float
    """Of the table and its indexes."""
    index_units: float
    busiest_units: float
    """Write units of the table, or of the index that has more."""
    read_units: float
    hottest_key: str
    hottest_units: float
    transitions: float
    events: float
    object_writes: float
    object_reads: float
    describes: float
    """DescribeExecution calls."""
    stored_bytes: float
    invocations: Mapping[str, float]


class MeasuredJobs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    idle_read_units: float
    """Of a minute without work."""
    jobs: tuple[MeasuredJob, ...]

    def find(self, kind: str, seconds: int) -> MeasuredJob:
        return next(job for job in self.jobs if (job.kind, job.seconds) == (kind, seconds))


def kind_named(name: str) -> JobKind:
    return next(kind for kind in KINDS if kind.name == name)


def measure(kind: JobKind, seconds: int, jobs: int = 1, accounts: int = 1) -> MeasuredJob:
    with virtual_stack(seconds) as stack:
        stack.warm_up(kind, WARM_UP)
        stored = stack.stored_bytes()
        stack.run(kind, jobs, accounts)
        return _per_job(stack, kind, seconds, jobs, accounts, stack.stored_bytes() - stored)


def measure_idle() -> float:
    """Return the read units of a minute's sweeps, of jobs and of deliveries, that find nothing."""
    with virtual_stack(1.0) as stack:
        stack.invoke("sweep", {})
        stack.invoke("sweep", DELIVERIES)
        return stack.meter.reads["sweep"] / 2


def _per_job(
    stack: VirtualStack, kind: JobKind, seconds: int, jobs: int, accounts: int, stored: int
) -> MeasuredJob:
    meter = stack.meter
    (place, key), units = hottest(meter.writes, stack.job_ids)
    places = {name: meter.units(name) for name, _ in meter.writes}
    own_reads = meter.reads.total() - meter.reads["sweep"]
    figures = {
        "write_units": meter.units(),
        "index_units": meter.units() - places["table"],
        "busiest_units": max(places.values()),
        "read_units": own_reads / 2,
        "hottest_units": units,
        "transitions": stack.machine.transitions,
        "events": _calls(meter, {"PutEvents"}),
        "object_writes": _calls(meter, OBJECT_WRITES),
        "object_reads": _calls(meter, OBJECT_READS),
        "describes": _calls(meter, {"DescribeExecution"}),
        "stored_bytes": stored,
    }
    invocations = {
        name: round(count / jobs, 2)
        for name, count in sorted(stack.invocations.items())
        if name != "sweep"
    }
    return MeasuredJob(
        kind=kind.name,
        seconds=seconds,
        jobs=jobs,
        accounts=accounts,
        hottest_key=f"{place} {key.partition('#')[0]}",
        invocations=invocations,
        **{name: round(value / jobs, 2) for name, value in figures.items()},
    )


def hottest(writes: Counter[Partition], job_ids: Collection[str]) -> tuple[Partition, int]:
    """Return the shared key with the most units: a job's own key has the units of one job."""
    return next(
        (partition, units)
        for partition, units in writes.most_common()
        if partition[1].rpartition("#")[2] not in job_ids
    )


def _calls(meter: UnitMeter, operations: Collection[str]) -> int:
    return sum(count for (_, name), count in meter.requests.items() if name in operations)


def read_measured() -> MeasuredJobs:
    return MeasuredJobs.model_validate(tomllib.loads(FILE.read_text("utf-8")))


def write_measured(measured: MeasuredJobs) -> None:
    tables = [f"idle_read_units = {measured.idle_read_units}\n"]
    for job in measured.jobs:
        fields = job.model_dump(exclude={"invocations"})
        lines = [f"{name} = {_toml(value)}" for name, value in fields.items()]
        calls = ", ".join(f"{name} = {count}" for name, count in job.invocations.items())
        tables.append("\n".join(["[[jobs]]", *lines, f"invocations = {{ {calls} }}", ""]))
    FILE.write_text(HEADING + "\n".join(tables), "utf-8")


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
