"""Defects put into the core on purpose: a simulation that does not find them proves nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import pytest

from rushes.api.job_service import Service
from rushes.jobs import events
from rushes.jobs.job import Job
from rushes.ports import IdempotencyRecord
from rushes.workflow import submit
from rushes.workflow.collect import Collect
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.poll import Poll
from rushes.workflow.submit import Submit
from rushes.workflow.sweeper import Sweeper
from rushes.workflow.task import Outcome
from tests.simulation import table
from tests.simulation.ports import SimulatedBlobs
from tests.simulation.table import SimulatedJobs

Patch = pytest.MonkeyPatch
Defect = Callable[[Patch], None]


def no_claim_is_written_before_the_create_call(patch: Patch) -> None:
    patch.setattr(Job, "submitting", lambda job, *_: job)


def a_silent_create_call_is_made_again(patch: Patch) -> None:
    patch.setattr(Submit, "_capability", lambda *_: "key")


def every_create_call_has_a_new_key(patch: Patch) -> None:
    patch.setattr(Job, "create_key", property(lambda job: f"{job.id}-{job.submissions}"))


def a_lost_job_is_given_up_before_it_can_be_found(patch: Patch) -> None:
    patch.setattr(submit, "SEARCH_SECONDS", 0.0)


def a_second_claim_forgets_the_first(patch: Patch) -> None:
    claim = Job.submitting
    patch.setattr(
        Job,
        "submitting",
        lambda job, *given: claim(job, *given).model_copy(
            update={"submission_unconfirmed_since": None}
        ),
    )


def writes_name_no_version(patch: Patch) -> None:
    blind = SimulatedJobs._replace

    def overwrite(jobs: SimulatedJobs, before: Job, after: Job) -> bool:
        now = jobs.rows[before.account, before.id]
        return blind(jobs, before.model_copy(update={"version": now.version}), after)

    patch.setattr(SimulatedJobs, "_replace", overwrite)


def a_finished_job_may_move_again(patch: Patch) -> None:
    patch.setattr(table, "allowed_before", lambda before, _: {before.status})
    patch.setattr(Job, "is_finished", property(lambda _: False))


def events_leave_the_outbox_before_they_are_on_the_bus(patch: Patch) -> None:
    def publish(event_publisher: EventPublisher, job: Job) -> bool:
        said = job.outbox
        event_publisher.jobs.change(job.account, job.id, lambda it: it.published(0.0, said))
        return not event_publisher.bus.put(said)

    patch.setattr(EventPublisher, "__call__", publish)


def refused_events_count_as_taken(patch: Patch) -> None:
    def publish(event_publisher: EventPublisher, job: Job) -> bool:
        event_publisher.bus.put(job.outbox)
        event_publisher.jobs.change(job.account, job.id, lambda it: it.published(0.0, job.outbox))
        return True

    patch.setattr(EventPublisher, "__call__", publish)


def an_event_has_a_new_id_each_time(patch: Patch) -> None:
    whole = events.ending
    patch.setattr(
        "rushes.workflow.finish.ending",
        lambda *given: whole(*given).model_copy(update={"id": f"evt_{uuid4()}"}),
    )


def the_sweeper_starts_nothing_again(patch: Patch) -> None:
    patch.setattr(Sweeper, "_keep_running", lambda *_: False)


def the_sweeper_announces_nothing(patch: Patch) -> None:
    repair = Sweeper._repair
    patch.setattr(
        Sweeper,
        "_repair",
        lambda sweeper, job: repair(sweeper, job.model_copy(update={"outbox": ()})),
    )


def stragglers_of_deleted_jobs_are_left(patch: Patch) -> None:
    def note_only(sweeper: Sweeper, job: Job) -> bool:
        sweeper.jobs.change(job.account, job.id, lambda it: it.purged(sweeper.clock()))
        return True

    patch.setattr(Sweeper, "_purge", note_only)


def a_poll_takes_an_operation_for_granted(patch: Patch) -> None:
    take = Poll.take

    def poll(step: Poll, job: Job) -> Outcome:
        return take(step, job if job.operation else job.model_copy(update={"operation": {}}))

    patch.setattr(Poll, "take", poll)


def what_comes_late_is_not_waited_for(patch: Patch) -> None:
    patch.setattr(Job, "is_tracked", property(lambda _: False))


def a_running_job_is_moved_without_being_stopped(patch: Patch) -> None:
    patch.setattr(Poll, "_stopped", lambda *_: True)


def a_page_is_stored_for_a_film(patch: Patch) -> None:
    patch.setattr("rushes.workflow.collect.sniff", lambda _: "video/mp4")
    patch.setattr("tests.fakes.sniff", lambda _: "video/mp4")


def what_is_cut_short_is_stored(patch: Patch) -> None:
    store = SimulatedBlobs.put_stream
    patch.setattr(
        SimulatedBlobs,
        "put_stream",
        lambda blobs, key, download, kind: store(blobs, key, replace(download, length=None), kind),
    )


def artifacts_are_noted_before_they_are_there(patch: Patch) -> None:
    copy = Collect._copy_all

    def note_first(step: Collect, job: Job) -> Any:
        artifacts = copy(step, job)
        for artifact in artifacts:
            step.blobs.delete(artifact.key)
        return artifacts

    patch.setattr(Collect, "_copy_all", note_first)


def receipts_are_not_looked_at(patch: Patch) -> None:
    def nothing(*_: object) -> IdempotencyRecord | None:
        return None

    patch.setattr(SimulatedJobs, "receipt", nothing)
    patch.setattr(SimulatedJobs, "_check", nothing)


def anybody_may_see_a_job(patch: Patch) -> None:
    def get(service: Service, account: str, job_id: str) -> Job:  # noqa: ARG001
        rows = cast("SimulatedJobs", service.jobs).rows.values()
        return next(job for job in rows if job.id == job_id)

    patch.setattr(Service, "get", get)


DEFECTS: tuple[Defect, ...] = (
    no_claim_is_written_before_the_create_call,
    a_silent_create_call_is_made_again,
    every_create_call_has_a_new_key,
    a_lost_job_is_given_up_before_it_can_be_found,
    a_second_claim_forgets_the_first,
    writes_name_no_version,
    a_finished_job_may_move_again,
    events_leave_the_outbox_before_they_are_on_the_bus,
    refused_events_count_as_taken,
    an_event_has_a_new_id_each_time,
    the_sweeper_starts_nothing_again,
    the_sweeper_announces_nothing,
    stragglers_of_deleted_jobs_are_left,
    a_poll_takes_an_operation_for_granted,
    what_comes_late_is_not_waited_for,
    a_running_job_is_moved_without_being_stopped,
    a_page_is_stored_for_a_film,
    what_is_cut_short_is_stored,
    artifacts_are_noted_before_they_are_there,
    receipts_are_not_looked_at,
    anybody_may_see_a_job,
)
