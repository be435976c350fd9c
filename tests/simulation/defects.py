"""Deliberate defects of the core; the simulation must detect each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

from rushes.api.create_job import CreateJob
from rushes.api.job_service import JobService
from rushes.jobs import cost
from rushes.jobs.charges import Charge
from rushes.jobs.events import Event, terminal_event
from rushes.jobs.job import Job
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import Artifact, JobOutcome
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.storage import Download
from rushes.providers.base import CancelReply
from rushes.workflow import collect, finish, reconcile, stop
from rushes.workflow.collect import Collect
from rushes.workflow.concurrency import Concurrency
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.poll import Poll
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.sweeper import Sweeper
from rushes.workflow.task import JobContext, NextStep
from tests import fakes
from tests.simulation import table
from tests.simulation.ports import SimulatedBlobs
from tests.simulation.scheduler import STORE_FAULTS
from tests.simulation.table import SimulatedJobs

Maxima = Mapping[str, float] | None
Patch = tuple[object, str, object]
"""An owner, the name of its attribute, and the value that replaces it."""
_submitting, _replace, _repair = Job.submitting, SimulatedJobs._replace, Sweeper._repair
_settle, _charge, _may_be_billed = SimulatedJobs._settle, SimulatedJobs._charge, cost.may_be_billed
DO_NOT_SETTLE: Patch = (SimulatedJobs, "_settle", lambda *_: None)
_poll, _copy_all, _put_stream = Poll._run, Collect._copy_all, SimulatedBlobs.put_stream


def clear_unconfirmed_submission(job: Job, *given: Any) -> Job:
    claimed = _submitting(job, *given)
    return claimed.model_copy(update={"submission_unconfirmed_since": None})


def replace_any_version(jobs: SimulatedJobs, before: Job, after: Job, maxima: Maxima) -> bool:
    now = jobs.rows[before.account, before.id]
    return _replace(jobs, before.model_copy(update={"version": now.version}), after, maxima)


def clear_outbox_first(event_publisher: EventPublisher, job: Job) -> bool:
    events = job.outbox
    event_publisher.jobs.change(job.account, job.id, lambda job: job.published(0.0, events))
    return not event_publisher.bus.put(events)


def publish_without_check(event_publisher: EventPublisher, job: Job) -> bool:
    event_publisher.bus.put(job.outbox)
    event_publisher.jobs.change(
        job.account, job.id, lambda current: current.published(0.0, job.outbox)
    )
    return True


def event_with_new_id(*given: Any) -> Event:
    return terminal_event(*given).model_copy(update={"id": f"evt_{uuid4()}"})


def repair_without_events(sweeper: Sweeper, job: Job) -> Any:
    return _repair(sweeper, job.model_copy(update={"outbox": ()}))


def purge_nothing(sweeper: Sweeper, job: Job) -> bool:
    sweeper.jobs.change(job.account, job.id, lambda current: current.purged(sweeper.clock()))
    return True


def poll_without_operation(task: Poll, job: Job) -> NextStep:
    return _poll(task, job if job.operation else job.model_copy(update={"operation": {}}))


def ignore_length(blobs: SimulatedBlobs, key: str, download: Download, kind: str) -> Artifact:
    return _put_stream(blobs, key, replace(download, length=None), kind)


def record_first(step: Collect, job: Job) -> Any:
    artifacts = _copy_all(step, job)
    for artifact in artifacts:
        step.blobs.delete(artifact.key)
    return artifacts


def stopped(*_: object) -> CancelReply:
    return CancelReply.STOPPED


def believed(_: object, __: object, reply: CancelReply, **___: bool) -> stop.CancelOutcome:
    upstream = UpstreamCancelled.NO if reply is CancelReply.REQUESTED else UpstreamCancelled.YES
    return stop.CancelOutcome(upstream, "", None)


def never(*_: object) -> bool:
    return False


def undecided(job: Job, cause: str | None, _: float) -> tuple[Job, JobOutcome]:
    return job, job.outcome or finish._execution_failed(job, cause)


def settle_apart(jobs: SimulatedJobs, before: Job, after: Job, maxima: Maxima) -> bool:
    """Settle in a write of its own, which a crash can prevent."""
    is_replaced = _replace(jobs, before, after, maxima)
    if is_replaced:
        jobs._scheduler.call("jobs.settle", lambda: _settle(jobs, before, after), STORE_FAULTS)
    return is_replaced


def settle_before_check(jobs: SimulatedJobs, before: Job, after: Job, maxima: Maxima) -> bool:
    """Settle even if the write is refused: its repetition settles again."""
    _settle(jobs, before, after)
    return _replace(jobs, before, after, maxima)


def charge_without_limit(jobs: SimulatedJobs, charges: Sequence[Charge], now: float) -> None:
    _charge(jobs, [replace(charge, maximum=None) for charge in charges], now)


def settle_without_limit(jobs: SimulatedJobs, before: Job, after: Job, _: Maxima) -> None:
    _settle(jobs, before, after)


def charge_first_limit(jobs: SimulatedJobs, charges: Sequence[Charge], now: float) -> None:
    _charge(jobs, charges[:1], now)


def bill_unless_cancelled(job: Job) -> bool:
    return _may_be_billed(job) and job.status is not JobStatus.CANCELLED


def bill_if_recorded(job: Job) -> bool:
    return _may_be_billed(job) and job.operation is not None


def get_of_any_account(service: JobService, account: str, job_id: str) -> Job:  # noqa: ARG001
    rows = cast("SimulatedJobs", service.jobs).rows.values()
    return next(job for job in rows if job.id == job_id)


DEFECTS: dict[str, tuple[Patch, ...]] = {
    "no lease is written before the create call": ((Job, "submitting", lambda job, *_: job),),
    "an unanswered create call is repeated": ((ProviderClient, "idempotency", lambda *_: "key"),),
    "every create call has a new key": (
        (Job, "create_key", property(lambda job: f"{job.id}-{job.submissions}")),
    ),
    "a job is declared absent before it is listed": ((reconcile, "LOOKUP_SECONDS", 0.0),),
    "a second lease clears the unconfirmed submission": (
        (Job, "submitting", clear_unconfirmed_submission),
    ),
    "writes are not conditional on the version": (
        (SimulatedJobs, "_replace", replace_any_version),
    ),
    "a finished job may change status": (
        (table, "allowed_before", lambda before, _: {before.status}),
        (Job, "is_finished", property(lambda _: False)),
    ),
    "events leave the outbox before they are published": (
        (EventPublisher, "publish", clear_outbox_first),
    ),
    "rejected events count as published": ((EventPublisher, "publish", publish_without_check),),
    "an event has a new id each time": ((finish, "terminal_event", event_with_new_id),),
    "the sweeper restarts nothing": ((Sweeper, "_ensure_execution", lambda *_: False),),
    "the sweeper publishes nothing": ((Sweeper, "_repair", repair_without_events),),
    "late files of deleted jobs stay": ((Sweeper, "_purge", purge_nothing),),
    "a poll assumes an operation": ((Poll, "_run", poll_without_operation),),
    "results after a cancel are not tracked": ((Job, "is_tracked", property(lambda _: False)),),
    "failover does not cancel the running job": ((ProviderClient, "cancel", stopped),),
    "a cancel request alone is believed": ((stop, "_after", believed),),
    "a delete is sent to a job of unknown state": ((stop, "could_delete_result", never),),
    "an unread result is forgotten": (
        (JobContext, "fail_as_dead_letter", JobContext.fail),
        (finish, "_decided", undecided),
    ),
    "an HTML page is stored as a video": (
        (collect, "sniff_output", lambda _: "video/mp4"),
        (collect, "is_truncated", lambda _: False),
        (fakes, "sniff_output", lambda _: "video/mp4"),
    ),
    "a truncated download is stored": ((SimulatedBlobs, "put_stream", ignore_length),),
    "artifacts are recorded before they are stored": ((Collect, "_copy_all", record_first),),
    "idempotency records are ignored": (
        (SimulatedJobs, "find_record", lambda *_: None),
        (SimulatedJobs, "_check", lambda *_: None),
    ),
    "every account sees every job": ((JobService, "get", get_of_any_account),),
    "only the first model of a job is reserved": (
        (CreateJob, "_dearest", lambda _, job: (job.cost, job.model)),
        (Reservation, "covers", lambda *_: True),
    ),
    "the limit is not checked": ((SimulatedJobs, "_charge", charge_without_limit),),
    "one of several limits is charged": ((SimulatedJobs, "_charge", charge_first_limit),),
    "the lease takes no room at a provider": (
        (SimulatedJobs, "_settle", settle_without_limit),
        (Concurrency, "check", lambda *_: None),
    ),
    "a budget is settled in a write of its own": (
        DO_NOT_SETTLE,
        (SimulatedJobs, "_replace", settle_apart),
    ),
    "a refused write settles the budget": (
        DO_NOT_SETTLE,
        (SimulatedJobs, "_replace", settle_before_check),
    ),
    "only completed jobs are charged": (
        (cost, "may_be_billed", lambda job: job.status is JobStatus.COMPLETED),
    ),
    "every cancelled job is refunded": ((cost, "may_be_billed", bill_unless_cancelled),),
    "an unknown outcome is refunded": ((cost, "may_be_billed", bill_if_recorded),),
}
