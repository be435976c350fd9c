"""The job's steps and the table of what may follow what."""

import re
from collections.abc import Callable
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.job import Job, allowed_before
from rushes.jobs.request import GenerationRequest
from rushes.jobs.result import Artifact, JobError, JobOutcome, Output
from rushes.jobs.status import PREDECESSORS, TERMINAL, JobStatus, Stage, UpstreamCancelled

Q, P, DONE = JobStatus.QUEUED, JobStatus.IN_PROGRESS, JobStatus.COMPLETED
FAILED, CANCELLED = JobStatus.FAILED, JobStatus.CANCELLED
MAY_FOLLOW = {(Q, P), (Q, FAILED), (Q, CANCELLED), (P, DONE), (P, FAILED), (P, CANCELLED)}

ERROR = JobError(code="upstream_failed", message="no", upstream_code="E7")
ARTIFACT = Artifact(key="outputs/a/b/0.mp4", content_type="video/mp4", size=3, sha256="ab")
FILMS = (Output(url="https://cdn.example/1"),)
SUCCESS = JobOutcome(status=DONE)
LATER = 500.0
EVENT: dict[str, object] = {"id": "evt_job_1_started", "type": "job.started"}


def job(**fields: object) -> Job:
    plain: dict[str, object] = {
        "id": "job_1",
        "account": "demo",
        "dialect": "openai",
        "provider": "sandbox",
        "upstream_model": "one",
        "request": GenerationRequest(model="sandbox/one", prompt="a red ball"),
        "created_at": 100.0,
        "updated_at": 100.0,
        "deadline_at": 3700.0,
        "cost": 0.4,
    }
    return Job.model_validate(plain | fields)


STEPS: dict[str, Callable[[Job], Job]] = {
    "fetched": lambda it: it.fetched(LATER, ()),
    "submitting": lambda it: it.submitting(LATER, 150.0),
    "postponed": lambda it: it.postponed(LATER),
    "unsure": lambda it: it.unsure(LATER),
    "confirmed_absent": lambda it: it.confirmed_absent(LATER),
    "submitted": lambda it: it.submitted(LATER, {"id": "up-1"}, ("no seed",)),
    "failed_over": lambda it: it.failed_over(
        LATER, ERROR, model="other/two", provider="other", upstream_model="two", cost=0.5
    ),
    "progressed": lambda it: it.progressed(LATER, 40),
    "failing_response": lambda it: it.failing_response(LATER, "nonsense"),
    "warned": lambda it: it.warned(LATER, "beware"),
    "generated": lambda it: it.generated(LATER, FILMS, None),
    "collecting": lambda it: it.collecting(LATER),
    "stored": lambda it: it.stored(LATER, (ARTIFACT,)),
    "will_fail": lambda it: it.will_fail(LATER, ERROR),
    "cancelled_by_client": lambda it: it.cancelled_by_client(LATER, UpstreamCancelled.YES),
    "archived": lambda it: it.archived(LATER, (ARTIFACT,)),
    "given_up": lambda it: it.given_up(LATER, stopped=True),
    "cancel_requested": lambda it: it.cancel_requested(LATER),
    "mark_running": lambda it: it.mark_running(LATER),
    "restarted": lambda it: it.restarted(LATER),
    "finished": lambda it: it.finished(LATER, SUCCESS, "job_1", 3600.0),
    "deleted": lambda it: it.deleted(LATER),
    "purged": lambda it: it.purged(LATER),
    "published": lambda it: it.published(LATER, (EVENT,)),
}
PART_OF_A_STEP = {"with_event"}
"""What is written with another step, and counts as no write of its own."""


@pytest.mark.parametrize(("before", "after"), list(product(JobStatus, JobStatus)))
def test_a_status_follows_another_exactly_where_the_table_says_so(
    before: JobStatus, after: JobStatus
) -> None:
    old, new = job(status=before), job(status=after)
    allowed = before in allowed_before(old, new)
    assert allowed is (before is after or (before, after) in MAY_FOLLOW)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_finished_job_never_moves_again(status: JobStatus) -> None:
    assert all(status not in origins for origins in PREDECESSORS.values())
    assert job(status=status).is_finished


def test_the_table_knows_every_status() -> None:
    assert set(PREDECESSORS) == set(JobStatus)


def test_every_step_is_tested_here() -> None:
    public = {name for name, it in vars(Job).items() if callable(it) and not name.startswith("_")}
    assert public == set(STEPS) | PART_OF_A_STEP


@pytest.mark.parametrize("name", STEPS)
def test_each_step_counts_as_one_write_and_leaves_the_old_job_alone(name: str) -> None:
    before = job(version=4)
    after = STEPS[name](before)
    assert (after.version, after.updated_at) == (5, LATER)
    assert before == job(version=4)


@pytest.mark.parametrize("name", STEPS)
def test_what_a_step_makes_can_be_stored_and_read_again(name: str) -> None:
    after = STEPS[name](job())
    assert Job.model_validate_json(after.model_dump_json()) == after


@pytest.mark.parametrize("name", sorted(set(STEPS) - {"submitted", "finished"}))
def test_only_submission_and_the_last_step_change_the_status(name: str) -> None:
    assert all(STEPS[name](job(status=status)).status is status for status in JobStatus)


def test_a_claim_has_a_lease_and_is_counted() -> None:
    claimed = job(submissions=1).submitting(LATER, 150.0)
    assert (claimed.stage, claimed.lease_until, claimed.submissions) == (
        Stage.SUBMITTING,
        650.0,
        2,
    )


def test_a_postponed_job_waits_without_a_lease() -> None:
    waiting = job().submitting(LATER, 150.0).postponed(LATER)
    assert (waiting.stage, waiting.lease_until, waiting.submissions) == (Stage.WAITING, None, 1)


def test_a_submitted_job_runs_and_knows_its_operation() -> None:
    running = STEPS["submitted"](job(warnings=("old",)).submitting(LATER, 150.0))
    assert (running.status, running.stage) == (P, Stage.RUNNING)
    assert (running.operation, running.submitted_at) == ({"id": "up-1"}, LATER)
    assert (running.lease_until, running.warnings) == (None, ("old", "no seed"))


@given(st.lists(st.integers(min_value=-(10**6), max_value=10**6)))
def test_progress_never_runs_backwards_nor_to_the_end_by_itself(reports: list[int]) -> None:
    it, seen = job(), [0]
    for report in reports:
        it = it.progressed(LATER, report)
        seen.append(it.progress)
    assert all(earlier <= later for earlier, later in pairwise(seen))
    assert seen[-1] == max([0, *(min(report, 99) for report in reports)])


def test_a_job_that_is_moved_waits_for_the_next_and_its_ledger_tells_of_the_last() -> None:
    first = job(model="sandbox/one", fallbacks=("other/two", "third/three"))
    second = STEPS["failed_over"](STEPS["submitted"](first.submitting(LATER, 150.0)))
    assert (second.model, second.provider, second.upstream_model) == ("other/two", "other", "two")
    assert (second.fallbacks, second.stage) == (("third/three",), Stage.WAITING)
    assert (second.operation, second.submitted_at, second.lease_until) == (None, None, None)
    (attempt,) = second.attempts
    assert (attempt.model, attempt.provider, attempt.error) == ("sandbox/one", "sandbox", ERROR)
    assert attempt.operation == {"id": "up-1"}
    assert (attempt.started_at, attempt.ended_at) == (100.0, LATER)
    third = second.failed_over(
        LATER + 1, ERROR, model="third/three", provider="third", upstream_model="three", cost=0.1
    )
    assert (second.cost, third.cost) == (0.5, 0.1)
    assert [it.started_at for it in third.attempts] == [100.0, LATER]
    assert third.attempts[1].operation is None
    assert third.fallbacks == ()


def test_trouble_is_dated_from_its_beginning_and_each_kind_is_noted_once() -> None:
    it = job().failing_response(1.0, "a").failing_response(2.0, "b").failing_response(3.0, "a")
    assert (it.failing_since, it.warnings) == (1.0, ("a", "b"))


@pytest.mark.parametrize("name", ["progressed", "generated"])
def test_a_sensible_answer_ends_the_trouble(name: str) -> None:
    assert STEPS[name](job(failing_since=1.0)).failing_since is None


@pytest.mark.parametrize(("told", "cost"), [(None, 0.4), (1.5, 1.5), (0.0, 0.0)])
def test_what_the_provider_says_it_cost_replaces_the_estimate(
    told: float | None, cost: float
) -> None:
    done = job().generated(LATER, FILMS, told)
    assert (done.cost, done.outputs, done.stage) == (cost, FILMS, Stage.STORING)


@pytest.mark.parametrize("document", [None, {}, {"text": "hello", "words": [1.5, None]}])
def test_a_result_that_is_json_is_kept_with_the_job(document: dict[str, object] | None) -> None:
    done = job().generated(LATER, (), None, document)
    assert done.document == document
    assert Job.model_validate_json(done.model_dump_json()).document == document


def test_a_fresh_look_replaces_what_an_earlier_one_found() -> None:
    done = job().generated(LATER, FILMS, None, {"text": "hello"}).generated(LATER, (), None)
    assert (done.outputs, done.document) == ((), None)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("stored", SUCCESS),
        ("will_fail", JobOutcome(status=FAILED, error=ERROR)),
        ("cancelled_by_client", JobOutcome(status=CANCELLED)),
    ],
)
def test_a_verdict_is_left_for_the_last_step(name: str, outcome: JobOutcome) -> None:
    decided = STEPS[name](job(status=P))
    assert (decided.outcome, decided.has_outcome, decided.is_finished) == (outcome, True, False)


def test_a_completed_job_is_at_a_hundred_percent_and_expires() -> None:
    done = job(status=P, progress=40, lease_until=1.0).finished(LATER, SUCCESS, "job_1-r2", 3600.0)
    assert (done.status, done.stage, done.progress) == (DONE, Stage.FINISHED, 100)
    assert (done.finished_at, done.expires_at) == (LATER, LATER + 3600.0)
    assert (done.finished_by, done.lease_until, done.error) == ("job_1-r2", None, None)


def test_a_failed_job_keeps_its_progress_and_says_why() -> None:
    outcome = JobOutcome(status=FAILED, error=ERROR)
    failed = job(status=P, progress=40).finished(LATER, outcome, "job_1", 3600.0)
    assert (failed.progress, failed.error, failed.expires_at) == (40, ERROR, None)


def test_every_new_execution_has_a_name_of_its_own() -> None:
    first = job()
    second = first.cancel_requested(LATER)
    third = second.restarted(LATER)
    names = [it.execution_name for it in (first, second, third)]
    assert names == ["job_1", "job_1-r2", "job_1-r3"]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) for name in names)


def test_what_is_not_known_is_dated_from_its_beginning() -> None:
    """And neither another call nor its refusal makes it known."""
    it = job().submitting(1.0, 150.0).unsure(2.0).submitting(3.0, 150.0)
    assert (
        it.unsure(4.0).submission_unconfirmed_since
        == it.postponed(4.0).submission_unconfirmed_since
        == 2.0
    )
    assert (it.unsure(4.0).lease_until, it.unsure(4.0).stage) == (None, Stage.WAITING)
    assert it.confirmed_absent(5.0).submission_unconfirmed_since is None
    assert STEPS["submitted"](it).submission_unconfirmed_since is None


def test_a_claim_after_one_that_was_never_answered_does_not_forget_it() -> None:
    dead = job().submitting(1.0, 150.0)
    assert dead.submitting(200.0, 150.0).postponed(201.0).submission_unconfirmed_since is not None
    assert job().submitting(1.0, 150.0).postponed(2.0).submission_unconfirmed_since is None


@pytest.mark.parametrize(
    ("upstream", "deleted_at", "track_until"),
    [
        (UpstreamCancelled.YES, None, None),
        (UpstreamCancelled.NO, None, 3700.0),
        (UpstreamCancelled.UNSUPPORTED, None, 3700.0),
        (UpstreamCancelled.NO, 1.0, None),
    ],
)
def test_what_goes_on_in_spite_of_a_cancel_is_waited_for_until_the_deadline(
    upstream: UpstreamCancelled, deleted_at: float | None, track_until: float | None
) -> None:
    it = job(status=P, deleted_at=deleted_at).cancelled_by_client(LATER, upstream)
    assert (it.upstream_cancelled, it.track_until) == (upstream, track_until)
    assert not it.is_tracked
    ended = it.finished(LATER, JobOutcome(status=CANCELLED), "job_1", 3600.0)
    assert ended.is_tracked is bool(track_until)
    assert ended.deleted(LATER).track_until is None


def test_what_is_waited_for_comes_or_is_given_up() -> None:
    it = job(status=CANCELLED, track_until=LATER, upstream_cancelled=UpstreamCancelled.NO)
    came = it.archived(LATER, (ARTIFACT,))
    assert (came.archived_artifacts, came.track_until, came.artifacts) == ((ARTIFACT,), None, ())
    assert came.upstream_cancelled is UpstreamCancelled.NO
    for stopped, told in ((True, UpstreamCancelled.YES), (False, UpstreamCancelled.NO)):
        gone = it.given_up(LATER, stopped=stopped)
        assert (gone.track_until, gone.upstream_cancelled) == (None, told)


@pytest.mark.parametrize(
    ("fields", "next_check_at"),
    [
        ({}, 100.0),
        ({"stage": Stage.WAITING}, 160.0),
        ({"stage": Stage.RUNNING, "status": P}, 160.0),
        ({"stage": Stage.RUNNING, "status": P, "outbox": (EVENT,)}, 100.0),
        ({"stage": Stage.FINISHED, "status": DONE}, None),
        ({"stage": Stage.FINISHED, "status": DONE, "outbox": (EVENT,)}, 100.0),
        ({"stage": Stage.FINISHED, "status": CANCELLED, "late_until": 900.0}, 160.0),
        ({"stage": Stage.FINISHED, "status": DONE, "deleted_at": 100.0}, 1060.0),
        ({"stage": Stage.FINISHED, "status": DONE, "deleted_at": 1.0, "purged_at": 2.0}, None),
    ],
)
def test_a_job_says_when_it_is_to_be_looked_after(
    fields: dict[str, object], next_check_at: float | None
) -> None:
    assert job(**fields).next_check_at == next_check_at


def test_events_are_told_with_a_step_and_taken_out_one_by_one() -> None:
    other: dict[str, object] = {"id": "evt_job_1_failed", "type": "job.failed"}
    it = job().warned(LATER, "x").with_event(EVENT).with_event(other)
    assert (it.version, it.outbox) == (1, (EVENT, other))
    assert it.published(LATER, (EVENT,)).outbox == (other,)
    assert it.published(LATER, (other, EVENT)).outbox == ()


def test_fields_that_a_later_version_wrote_survive_every_step() -> None:
    """Going back to this version and forth again loses nothing."""
    document = job().model_dump(mode="json") | {"mood": "blue", "deep": {"a": [1, None]}}
    for step in STEPS.values():
        after = step(Job.model_validate(document)).model_dump(mode="json")
        assert (after["mood"], after["deep"]) == ("blue", {"a": [1, None]})


def test_a_wish_to_cancel_and_a_deletion_are_dated() -> None:
    assert job().cancel_requested(LATER).cancel_requested_at == LATER
    assert job().deleted(LATER).deleted_at == LATER
