"""Any sequence of provider statuses: a job ends by a terminal status or at its deadline."""

from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.status import JobStatus
from rushes.workflow.poll import CANCEL_WINDOW
from rushes.workflow.task import TO_FINISH
from tests.harness import CANCEL_CALL, POLL_CALL, Harness, reply, video

RUNNING = ("queued", "in_progress")
UNKNOWN = ("melting", "levitating", "complete?d", "not completed", "unfailed", "")
DEADLINE = 1800.0
POLLS = st.lists(
    st.tuples(st.sampled_from(RUNNING + UNKNOWN), st.integers(-500, 500), st.floats(0, 240)),
    max_size=12,
)


@given(polls=POLLS, last=st.sampled_from(["completed", "failed"]))
def test_only_known_status_ends_job_and_progress_never_drops(
    polls: list[tuple[str, int, float]], last: str
) -> None:
    harness = Harness()
    harness.answer(CANCEL_CALL, reply(200))
    job = harness.running()
    progress = 0
    for status, percent, seconds in polls:
        harness.answer(POLL_CALL, video(status, progress=percent))
        next_step = harness.poll(job)
        now = harness.now(job)
        overdue = harness.clock.now - job.created_at - DEADLINE
        if 0 < overdue < CANCEL_WINDOW and status in UNKNOWN:  # a cancel could delete a result
            assert next_step["status"] == "pending"
            return
        assert (next_step == TO_FINISH) is (overdue > 0)
        assert progress <= now.progress <= 99
        assert now.status is JobStatus.IN_PROGRESS
        if next_step == TO_FINISH:
            return
        progress = now.progress
        harness.clock.advance(seconds)
    if harness.clock.now - job.created_at > DEADLINE:
        return
    harness.answer(POLL_CALL, video(last, error={"code": "x", "message": "y"}))
    assert harness.poll(job)["status"] == {"completed": "succeeded", "failed": "ending"}[last]


@given(statuses=st.lists(st.sampled_from([*RUNNING, *UNKNOWN, "completed", "failed"]), max_size=6))
def test_finished_job_ignores_later_statuses(statuses: list[str]) -> None:
    harness = Harness()
    job = harness.completed()
    for status in statuses:
        harness.answer(POLL_CALL, video(status))
        assert harness.poll(job) == TO_FINISH
        assert harness.now(job) == job
