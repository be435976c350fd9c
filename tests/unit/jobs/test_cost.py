"""Dollars that a job charges to its budget, by its state."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from rushes.jobs.charges import settlements
from rushes.jobs.cost import charged
from rushes.jobs.job import Job
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import JobError, JobOutcome, Output
from rushes.jobs.status import JobStatus, UpstreamCancelled
from tests.unit.jobs.plain_job import plain_job

NOW = 500.0
COST, RESERVED = 0.2, 0.5
OUTPUTS = (Output(url="https://cdn.example/1"),)
State = Callable[[Job], Job]


def job(**fields: object) -> Job:
    reservation = Reservation(day="2027-01-15", dollars=RESERVED)
    return plain_job(**{"cost": COST, "reservation": reservation, **fields})


def leased(job: Job) -> Job:
    return job.submitting(NOW, 150.0)


def running(job: Job) -> Job:
    return leased(job).submitted(NOW, {"id": "up-1"}, ())


def generated(job: Job) -> Job:
    return running(job).generated(NOW, OUTPUTS, None)


def unconfirmed(job: Job) -> Job:
    return leased(job).submission_unconfirmed(NOW)


def failed(before: State, code: str, *, releases_lease: bool = False) -> State:
    def change(job: Job) -> Job:
        error = JobError(code=code, message="no")
        decided = before(job).will_fail(NOW, error, releases_lease=releases_lease)
        return finished(decided)

    return change


def cancelled(before: State, upstream: UpstreamCancelled) -> State:
    return lambda job: finished(before(job).cancelled_by_client(NOW, upstream))


def cancelled_in_queue(job: Job) -> Job:
    decided = running(job).cancelled_by_client(NOW, UpstreamCancelled.YES, is_unbilled=True)
    return finished(decided)


def completed(job: Job) -> Job:
    return finished(generated(job).stored(NOW, ()))


def finished(job: Job) -> Job:
    assert job.outcome is not None
    return job.finished(NOW, job.outcome, "job_1", 3600.0)


def unchanged(job: Job) -> Job:
    return job


@pytest.mark.parametrize(
    "state",
    [
        unchanged,
        leased,
        running,
        generated,
        unconfirmed,
        lambda job: leased(job).postponed(NOW),
        lambda job: generated(job).stored(NOW, ()),
        lambda job: running(job).cancelled_by_client(NOW, UpstreamCancelled.YES),
        lambda job: running(job).deleted(NOW),
        lambda job: running(job).will_fail(NOW, JobError(code="upstream_failed", message="no")),
    ],
)
def test_open_job_charges_its_reservation(state: State) -> None:
    assert charged(state(job())) == RESERVED


@pytest.mark.parametrize(
    "state",
    [
        completed,
        failed(generated, "bad_output"),
        failed(generated, "upstream_failed"),  # it was generated before
        failed(generated, "content_filtered"),
        failed(running, "upstream_timeout"),
        failed(running, "upstream_job_not_found"),
        failed(running, "upstream_refused"),
        failed(running, "internal_error"),
        failed(unconfirmed, "upstream_outcome_unknown"),
        failed(unconfirmed, "upstream_refused"),
        failed(leased, "upstream_bad_response"),
        failed(leased, "upstream_timeout"),
        failed(leased, "upstream_unauthorized"),  # decided on another create call
        cancelled(running, UpstreamCancelled.NO),
        cancelled(running, UpstreamCancelled.UNSUPPORTED),
        cancelled(generated, UpstreamCancelled.YES),
        cancelled(running, UpstreamCancelled.YES),  # it may have been finished
        lambda job: cancelled(running, UpstreamCancelled.NO)(job).archived(NOW, ()),
        lambda job: cancelled(running, UpstreamCancelled.NO)(job).deleted(NOW),
        lambda job: cancelled(running, UpstreamCancelled.NO)(job).tracking_ended(
            NOW, stopped=False
        ),
        lambda job: cancelled(running, UpstreamCancelled.NO)(job).tracking_ended(NOW, stopped=True),
        lambda job: completed(job).deleted(NOW),
    ],
)
def test_finished_job_that_may_be_billed_charges_its_cost(state: State) -> None:
    assert charged(state(job())) == COST


@pytest.mark.parametrize(
    "state",
    [
        failed(running, "upstream_failed"),
        failed(running, "upstream_queued_too_long"),
        failed(running, "content_filtered"),
        failed(unchanged, "upstream_timeout"),
        failed(unchanged, "internal_error"),
        failed(unchanged, "invalid_input_reference"),
        failed(lambda job: leased(job).postponed(NOW), "upstream_timeout"),
        failed(leased, "upstream_refused", releases_lease=True),
        failed(lambda job: unconfirmed(job).confirmed_absent(NOW), "upstream_refused"),
        cancelled(unchanged, UpstreamCancelled.YES),
        cancelled_in_queue,
        lambda job: cancelled(running, UpstreamCancelled.NO)(job).tracking_ended(
            NOW, stopped=True, is_unbilled=True
        ),
    ],
)
def test_finished_job_that_no_provider_can_bill_charges_nothing(state: State) -> None:
    assert charged(state(job())) == 0


@pytest.mark.parametrize("state", [unchanged, running, completed, failed(running, "bad_output")])
def test_job_without_reservation_charges_nothing(state: State) -> None:
    assert charged(state(job(reservation=None))) == 0


def test_reported_cost_above_the_reservation_is_charged_at_once_with_a_warning() -> None:
    reported = running(job()).generated(NOW, OUTPUTS, 0.75)
    done = finished(reported.stored(NOW, ()))
    assert (charged(reported), charged(done)) == (0.75, 0.75)
    assert reported.warnings == ("the provider reported a cost of $0.75; $0.50 were reserved",)
    assert reported.generated(NOW, OUTPUTS, 0.75).warnings == reported.warnings


@pytest.mark.parametrize("cost", [0.0, 0.3, 0.5])
def test_reported_cost_within_the_reservation_is_charged_in_the_end(cost: float) -> None:
    reported = running(job()).generated(NOW, OUTPUTS, cost)
    assert (charged(reported), reported.warnings) == (RESERVED, ())
    assert charged(finished(reported.stored(NOW, ()))) == cost


def test_cost_reported_after_a_cancel_is_charged() -> None:
    tracked = cancelled(running, UpstreamCancelled.NO)(job())
    archived = tracked.archived(NOW, (), 0.6)
    (charge,) = settlements(tracked, archived)
    assert (charge.name, charge.total, charge.settled) == ("demo#2027-01-15", 0.4, 0.4)
    assert archived.warnings == ("the provider reported a cost of $0.60; $0.50 were reserved",)


@pytest.mark.parametrize("cost", [None, -5.0])
def test_cost_of_a_corrupt_job_is_never_a_refund(cost: float | None) -> None:
    assert charged(completed(job(cost=cost))) == 0


def test_settlements_of_a_job_add_up_to_its_charge() -> None:
    error = JobError(code="upstream_failed", message="no")
    reserved = job(reservation=Reservation(day="2027-01-15", dollars=0.3), cost=0.1)
    states = [reserved, running(reserved)]
    states.append(
        states[-1].failed_over(NOW, error, model="b/b", provider="b", upstream_model="b", cost=0.2)
    )
    states.append(running(states[-1]).generated(NOW, OUTPUTS, None))
    states.append(finished(states[-1].stored(NOW, ())))
    found = [settlements(before, after) for before, after in pairwise(states)]
    assert [[charge.total for charge in charges] for charges in found] == [[], [], [], [-0.1]]
    assert found[-1][0].settled == 0.2
    assert charged(states[-1]) == 0.2


def test_charge_is_rounded_to_micro_dollars() -> None:
    reserved = Reservation(day="2027-01-15", dollars=0.1 + 0.2)
    assert charged(job(reservation=reserved)) == 0.3


def test_finished_job_records_an_unconfirmed_create_call() -> None:
    outcome = JobOutcome(status=JobStatus.FAILED, error=JobError(code="internal_error", message=""))
    ended = leased(job()).finished(NOW, outcome, "job_1", 3600.0)
    assert (ended.submission_unconfirmed_since, ended.lease_until) == (NOW, None)
    assert completed(job()).submission_unconfirmed_since is None
