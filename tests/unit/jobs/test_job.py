"""Job transitions and the status table."""

import re
from collections import ChainMap
from collections.abc import Callable
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rushes.jobs.job import Job, allowed_before
from rushes.jobs.pause import Pause, PauseReason
from rushes.jobs.result import Artifact, CollectedOutput, JobError, JobOutcome, Output
from rushes.jobs.status import PREDECESSORS, TERMINAL, JobStatus, Stage, UpstreamCancelled
from tests.unit.jobs.plain_job import plain_job

Q, P, DONE = JobStatus.QUEUED, JobStatus.IN_PROGRESS, JobStatus.COMPLETED
FAILED, CANCELLED = JobStatus.FAILED, JobStatus.CANCELLED
MAY_FOLLOW = {(Q, P), (Q, FAILED), (Q, CANCELLED), (P, DONE), (P, FAILED), (P, CANCELLED)}

ERROR = JobError(code="upstream_failed", message="no", upstream_code="E7")
ARTIFACT = Artifact(key="outputs/a/b/0.mp4", content_type="video/mp4", size=3, sha256="ab")
COLLECTED = CollectedOutput(**ARTIFACT.model_dump(), position=0, fingerprint="0" * 16)
OUTPUTS = (Output(url="https://cdn.example/1"),)
SUCCESS = JobOutcome(status=DONE)
LATER = 500.0
PAUSE = Pause(reason=PauseReason.RESTARTS, detail="why", since=1.0, until=900.0, check_at=800.0)
EVENT: dict[str, object] = {"id": "evt_job_1_started", "type": "job.started"}


def job(**fields: object) -> Job:
    return plain_job(**{"cost": 0.4, **fields})


TRANSITIONS: dict[str, Callable[[Job], Job]] = {
    "fetched": lambda job: job.fetched(LATER, ()),
    "submitting": lambda job: job.submitting(LATER, 150.0),
    "postponed": lambda job: job.postponed(LATER),
    "submission_unconfirmed": lambda job: job.submission_unconfirmed(LATER),
    "confirmed_absent": lambda job: job.confirmed_absent(LATER),
    "submitted": lambda job: job.submitted(LATER, {"id": "up-1"}, ("no seed",)),
    "failed_over": lambda job: job.failed_over(
        LATER, ERROR, model="other/two", provider="other", upstream_model="two", cost=0.5
    ),
    "progressed": lambda job: job.progressed(LATER, 40),
    "failing": lambda job: job.failing(LATER, "not JSON"),
    "status_unknown": lambda job: job.status_unknown(LATER, "levitating"),
    "warned": lambda job: job.warned(LATER, "careful"),
    "generated": lambda job: job.generated(LATER, OUTPUTS, None),
    "collecting": lambda job: job.collecting(LATER),
    "stored": lambda job: job.stored(LATER, (ARTIFACT,)),
    "key_rejected": lambda job: job.key_rejected(LATER, ERROR, None, releases_lease=True),
    "held": lambda job: job.held(LATER, ERROR, "busy"),
    "collected": lambda job: job.collected(LATER, (COLLECTED,)),
    "will_fail": lambda job: job.will_fail(LATER, ERROR),
    "cancelled_by_provider": lambda job: job.cancelled_by_provider(LATER),
    "cancelled_by_client": lambda job: job.cancelled_by_client(LATER, UpstreamCancelled.YES),
    "archived": lambda job: job.archived(LATER, (ARTIFACT,)),
    "tracking_ended": lambda job: job.tracking_ended(LATER, stopped=True),
    "cancel_requested": lambda job: job.cancel_requested(LATER),
    "mark_running": lambda job: job.mark_running(LATER),
    "planned": lambda job: job.planned(LATER, 60.0),
    "restarted": lambda job: job.restarted(LATER),
    "paused": lambda job: job.paused(LATER, PAUSE),
    "resumed": lambda job: job.resumed(LATER),
    "given_up": lambda job: job.given_up(LATER),
    "interrupted": lambda job: job.interrupted(LATER, "Lambda.Unknown"),
    "restored": lambda job: job.restored(LATER, "jobs-restored#1"),
    "left_alone": lambda job: job.left_alone(LATER, 60.0),
    "withheld": lambda job: job.withheld(LATER),
    "finished": lambda job: job.finished(LATER, SUCCESS, "job_1", 3600.0),
    "deleted": lambda job: job.deleted(LATER),
    "purged": lambda job: job.purged(LATER),
    "published": lambda job: job.published(LATER, (EVENT,)),
}
NO_TRANSITION = {"with_event", "with_wait", "with_warnings", "with_detail"}
"""Methods written together with a transition."""


@pytest.mark.parametrize(("before", "after"), list(product(JobStatus, JobStatus)))
def test_allowed_before_matches_transition_table(before: JobStatus, after: JobStatus) -> None:
    old, new = job(status=before), job(status=after)
    allowed = before in allowed_before(old, new)
    assert allowed is (before is after or (before, after) in MAY_FOLLOW)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_terminal_status_never_changes(status: JobStatus) -> None:
    assert all(status not in origins for origins in PREDECESSORS.values())
    assert job(status=status).is_finished


def test_predecessors_cover_every_status() -> None:
    assert set(PREDECESSORS) == set(JobStatus)


def test_every_transition_is_tested() -> None:
    classes = Job.mro()[: Job.mro().index(BaseModel)]
    members = ChainMap(*(dict(vars(one)) for one in classes))
    public = {
        name for name, member in members.items() if callable(member) and not name.startswith("_")
    }
    assert public == set(TRANSITIONS) | NO_TRANSITION


@pytest.mark.parametrize("name", TRANSITIONS)
def test_transition_increments_version_copies_job_and_round_trips(name: str) -> None:
    before = job(version=4)
    after = TRANSITIONS[name](before)
    assert (after.version, after.updated_at) == (5, LATER)
    assert before == job(version=4)
    assert Job.model_validate_json(after.model_dump_json()) == after


BEGINNINGS = {"submitted", "progressed", "generated"}


@pytest.mark.parametrize("name", sorted(set(TRANSITIONS) - BEGINNINGS - {"finished"}))
def test_only_a_beginning_and_finished_change_status(name: str) -> None:
    assert all(TRANSITIONS[name](job(status=status)).status is status for status in JobStatus)


@pytest.mark.parametrize("name", sorted(BEGINNINGS))
def test_beginning_ends_the_queue_and_changes_no_other_status(name: str) -> None:
    for status in JobStatus:
        begun = TRANSITIONS[name](job(status=status, queue_position=4))
        assert begun.status is (P if status is Q else status)
        assert (begun.started_at, begun.queue_position) == (LATER, None)
        assert TRANSITIONS[name](job(status=status, started_at=1.0)).started_at == 1.0


def test_waiting_job_is_queued_with_its_position_and_estimate() -> None:
    waiting = job().submitted(LATER, {"id": "up-1"}, (), waiting=True, queue_position=7)
    assert (waiting.status, waiting.stage, waiting.queue_position) == (Q, Stage.RUNNING, 7)
    assert (waiting.started_at, waiting.submitted_at) == (None, LATER)
    nearer = waiting.progressed(LATER, 0, waiting=True, queue_position=2, expected_at=900.0)
    assert (nearer.status, nearer.queue_position, nearer.expected_at) == (Q, 2, 900.0)
    begun = nearer.progressed(LATER, 5)
    again = begun.progressed(LATER, 0, waiting=True, queue_position=9)
    assert (again.status, again.queue_position, again.started_at) == (P, None, LATER)


@pytest.mark.parametrize("ending", ["generated", "finished", "failed_over"])
def test_queue_position_and_estimate_end_with_the_job(ending: str) -> None:
    ended = TRANSITIONS[ending](job(queue_position=3, expected_at=900.0))
    assert (ended.queue_position, ended.expected_at) == (None, None)


def test_failover_of_a_job_that_has_begun_does_not_go_back_to_the_queue() -> None:
    second = TRANSITIONS["failed_over"](TRANSITIONS["submitted"](job()))
    assert (second.status, second.started_at) == (P, None)
    waiting = second.submitted(LATER, {"id": "up-2"}, (), waiting=True)
    assert (waiting.status, waiting.has_begun) == (P, False)


@pytest.mark.parametrize("started_at", [None, 200.0])
def test_cancel_at_the_provider_is_unbilled_before_the_beginning_only(
    started_at: float | None,
) -> None:
    ended = job(started_at=started_at).cancelled_by_provider(LATER)
    assert ended.outcome == JobOutcome(status=CANCELLED)
    assert ended.upstream_cancelled is UpstreamCancelled.YES
    assert ended.is_unbilled_cancel is (started_at is None)
    assert ended.track_until is None


@pytest.mark.parametrize("deleted_at", [None, 200.0])
def test_dead_letter_is_tracked_unless_deleted(deleted_at: float | None) -> None:
    ended = job(deleted_at=deleted_at).will_fail(LATER, ERROR, track_until=900.0)
    failed = ended.finished(LATER, JobOutcome(status=FAILED, error=ERROR), "job_1", 3600.0)
    assert failed.is_dead_letter is (deleted_at is None)
    assert failed.needs_execution is (deleted_at is None)
    over = failed.tracking_ended(LATER, stopped=True, is_unbilled=True)
    assert (over.is_dead_letter, over.upstream_cancelled) == (False, None)
    assert not over.is_unbilled_cancel


def test_submitting_sets_lease_and_counts() -> None:
    leased = job(submissions=1).submitting(LATER, 150.0)
    assert leased.stage is Stage.SUBMITTING
    assert (leased.lease_until, leased.submissions) == (650.0, 2)


def test_postponed_releases_lease() -> None:
    waiting = job().submitting(LATER, 150.0).postponed(LATER)
    assert (waiting.stage, waiting.lease_until, waiting.submissions) == (Stage.WAITING, None, 1)


def test_submitted_sets_operation() -> None:
    running = TRANSITIONS["submitted"](job(warnings=("old",)).submitting(LATER, 150.0))
    assert (running.status, running.stage) == (P, Stage.RUNNING)
    assert (running.operation, running.submitted_at) == ({"id": "up-1"}, LATER)
    assert (running.lease_until, running.warnings) == (None, ("old", "no seed"))


@given(st.lists(st.integers(min_value=-(10**6), max_value=10**6)))
def test_progress_never_drops_and_stays_below_100(reports: list[int]) -> None:
    reported, seen = job(), [0]
    for report in reports:
        reported = reported.progressed(LATER, report)
        seen.append(reported.progress)
    assert all(earlier <= later for earlier, later in pairwise(seen))
    assert seen[-1] == max([0, *(min(report, 99) for report in reports)])


def test_failed_over_resets_job_and_appends_attempt() -> None:
    first = job(model="sandbox/one", fallbacks=("other/two", "third/three"))
    second = TRANSITIONS["failed_over"](TRANSITIONS["submitted"](first.submitting(LATER, 150.0)))
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
    assert [attempt.started_at for attempt in third.attempts] == [100.0, LATER]
    assert third.attempts[1].operation is None
    assert third.fallbacks == ()


def test_failing_keeps_first_time_and_distinct_warnings() -> None:
    failing = job().failing(1.0, "a").failing(2.0, "b").failing(3.0, "a")
    assert (failing.failing_since, failing.warnings) == (1.0, ("a", "b"))


@pytest.mark.parametrize("name", ["progressed", "generated", "status_unknown", "failed_over"])
def test_valid_response_clears_failing_since(name: str) -> None:
    after = TRANSITIONS[name](job(failing_since=1.0, invalid_since=1.0))
    assert (after.failing_since, after.invalid_since) == (None, None)


@pytest.mark.parametrize(("reported", "cost"), [(None, 0.4), (1.5, 1.5), (0.0, 0.0)])
def test_provider_cost_replaces_estimate(reported: float | None, cost: float) -> None:
    done = job().generated(LATER, OUTPUTS, reported)
    assert (done.cost, done.outputs, done.stage) == (cost, OUTPUTS, Stage.STORING)


@pytest.mark.parametrize("document", [None, {}, {"text": "hello", "words": [1.5, None]}])
def test_generated_stores_json_document(document: dict[str, object] | None) -> None:
    done = job().generated(LATER, (), None, document)
    assert done.document == document
    assert Job.model_validate_json(done.model_dump_json()).document == document


def test_generated_replaces_earlier_result() -> None:
    done = job().generated(LATER, OUTPUTS, None, {"text": "hello"}).generated(LATER, (), None)
    assert (done.outputs, done.document) == ((), None)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("stored", SUCCESS),
        ("will_fail", JobOutcome(status=FAILED, error=ERROR)),
        ("cancelled_by_client", JobOutcome(status=CANCELLED)),
    ],
)
def test_outcome_does_not_finish_job(name: str, outcome: JobOutcome) -> None:
    decided = TRANSITIONS[name](job(status=P))
    assert (decided.outcome, decided.has_outcome, decided.is_finished) == (outcome, True, False)


def test_finished_completes_progress_and_sets_expiry() -> None:
    done = job(status=P, progress=40, lease_until=1.0).finished(LATER, SUCCESS, "job_1-r2", 3600.0)
    assert (done.status, done.stage, done.progress) == (DONE, Stage.FINISHED, 100)
    assert (done.finished_at, done.expires_at) == (LATER, LATER + 3600.0)
    assert (done.finished_by, done.lease_until, done.error) == ("job_1-r2", None, None)


def test_finished_keeps_progress_and_error_of_failed_job() -> None:
    outcome = JobOutcome(status=FAILED, error=ERROR)
    failed = job(status=P, progress=40).finished(LATER, outcome, "job_1", 3600.0)
    assert (failed.progress, failed.error, failed.expires_at) == (40, ERROR, None)


def test_execution_names_are_distinct() -> None:
    first = job()
    second = first.cancel_requested(LATER)
    third = second.restarted(LATER)
    names = [entry.execution_name for entry in (first, second, third)]
    assert names == ["job_1", "job_1-r2", "job_1-r3"]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) for name in names)


def test_submission_unconfirmed_since_keeps_first_time() -> None:
    """Neither another call nor its refusal confirms the first one."""
    leased = job().submitting(1.0, 150.0).submission_unconfirmed(2.0).submitting(3.0, 150.0)
    unconfirmed, postponed = leased.submission_unconfirmed(4.0), leased.postponed(4.0)
    assert unconfirmed.submission_unconfirmed_since == 2.0
    assert postponed.submission_unconfirmed_since == 2.0
    assert (unconfirmed.lease_until, unconfirmed.stage) == (None, Stage.WAITING)
    assert leased.confirmed_absent(5.0).submission_unconfirmed_since is None
    assert TRANSITIONS["submitted"](leased).submission_unconfirmed_since is None


def test_submitting_after_expired_lease_is_unconfirmed() -> None:
    repeated = job().submitting(1.0, 150.0).submitting(200.0, 150.0)
    assert repeated.postponed(201.0).submission_unconfirmed_since is not None
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
def test_cancelled_by_client_tracks_until_deadline(
    upstream: UpstreamCancelled, deleted_at: float | None, track_until: float | None
) -> None:
    cancelled = job(status=P, deleted_at=deleted_at).cancelled_by_client(LATER, upstream)
    assert (cancelled.upstream_cancelled, cancelled.track_until) == (upstream, track_until)
    assert not cancelled.is_tracked
    ended = cancelled.finished(LATER, JobOutcome(status=CANCELLED), "job_1", 3600.0)
    assert ended.is_tracked is bool(track_until)
    assert ended.deleted(LATER).track_until is None


def test_tracking_ends_with_archive_or_timeout() -> None:
    tracked = job(status=CANCELLED, track_until=LATER, upstream_cancelled=UpstreamCancelled.NO)
    archived = tracked.archived(LATER, (ARTIFACT,))
    assert (archived.archived_artifacts, archived.artifacts) == ((ARTIFACT,), ())
    assert (archived.track_until, archived.upstream_cancelled) == (None, UpstreamCancelled.NO)
    for stopped, expected in ((True, UpstreamCancelled.YES), (False, UpstreamCancelled.NO)):
        ended = tracked.tracking_ended(LATER, stopped=stopped)
        assert (ended.track_until, ended.upstream_cancelled) == (None, expected)


@pytest.mark.parametrize(
    ("fields", "next_check_at"),
    [
        ({}, 100.0),
        ({"stage": Stage.WAITING}, 160.0),
        ({"stage": Stage.RUNNING, "status": P}, 160.0),
        ({"stage": Stage.RUNNING, "status": P, "outbox": (EVENT,)}, 100.0),
        ({"pause": PAUSE}, 800.0),
        ({"stage": Stage.WAITING, "pause": PAUSE, "check_at": 300.0}, 800.0),
        ({"pause": PAUSE, "outbox": (EVENT,)}, 100.0),
        ({"stage": Stage.FINISHED, "status": DONE, "pause": PAUSE}, None),
        ({"stage": Stage.FINISHED, "status": DONE}, None),
        ({"stage": Stage.FINISHED, "status": DONE, "outbox": (EVENT,)}, 100.0),
        ({"stage": Stage.FINISHED, "status": CANCELLED, "track_until": 900.0}, 160.0),
        ({"stage": Stage.FINISHED, "status": DONE, "deleted_at": 100.0}, 1060.0),
        ({"stage": Stage.FINISHED, "status": DONE, "deleted_at": 1.0, "purged_at": 2.0}, None),
    ],
)
def test_next_check_at(fields: dict[str, object], next_check_at: float | None) -> None:
    assert job(**fields).next_check_at == next_check_at


@pytest.mark.parametrize(
    ("check_at", "wait", "expected"),
    [
        (None, 0, 160.0),  # of an older release: a minute after the last write
        (129.0, 0, 160.0),
        (130.0, 0, 130.0),
        (150.0, 20, 150.0),
        (149.0, 20, 180.0),
        (160.0, 300, 460.0),
        (500.0, 300, 500.0),
    ],
)
def test_check_follows_a_planned_wait_and_moves_seldom(
    check_at: float | None, wait: float, expected: float
) -> None:
    running = job(status=P, stage=Stage.RUNNING, check_at=check_at)
    planned = running.planned(100.0, wait)
    assert planned.next_check_at == expected
    assert (planned is running) is (expected == (check_at or 160.0))


def test_outbox_adds_and_removes_events() -> None:
    other: dict[str, object] = {"id": "evt_job_1_failed", "type": "job.failed"}
    changed = job().warned(LATER, "x").with_event(EVENT).with_event(other)
    assert (changed.version, changed.outbox) == (1, (EVENT, other))
    assert changed.published(LATER, (EVENT,)).outbox == (other,)
    assert changed.published(LATER, (other, EVENT)).outbox == ()


def test_transitions_preserve_unknown_fields() -> None:
    """A rollback to this version and an update lose no data."""
    document = job().model_dump(mode="json") | {"color": "blue", "deep": {"a": [1, None]}}
    for transition in TRANSITIONS.values():
        after = transition(Job.model_validate(document)).model_dump(mode="json")
        assert (after["color"], after["deep"]) == ("blue", {"a": [1, None]})


def test_cancel_request_and_deletion_set_time() -> None:
    assert job().cancel_requested(LATER).cancel_requested_at == LATER
    assert job().deleted(LATER).deleted_at == LATER
