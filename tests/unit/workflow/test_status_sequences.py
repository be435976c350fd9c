"""Whatever statuses a provider runs through: a job ends only as it said, or at a limit of ours."""

from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.status import JobStatus
from rushes.workflow.task import ENDING
from tests.harness import ASK, STOP, Harness, reply, video

UNDER_WAY = ("queued", "in_progress")
NONSENSE = ("melting", "Completed", "COMPLETED", " completed", "done", "failed!", "")
DEADLINE = 1800.0
LOOKS = st.lists(
    st.tuples(
        st.sampled_from(UNDER_WAY + NONSENSE),
        st.integers(-500, 500),
        st.floats(0, 240),
    ),
    max_size=12,
)


@given(looks=LOOKS, last=st.sampled_from(["completed", "failed"]))
def test_only_a_known_word_ends_a_job_and_progress_never_runs_back(
    looks: list[tuple[str, int, float]], last: str
) -> None:
    harness = Harness()
    harness.answer(STOP, reply(200))
    job = harness.running()
    progress = 0
    for word, percent, seconds in looks:
        harness.answer(ASK, video(word, progress=percent))
        outcome = harness.poll(job)
        now = harness.now(job)
        late = harness.clock.now - job.created_at > DEADLINE
        assert (outcome == ENDING) is late
        assert progress <= now.progress <= 99
        assert now.status is JobStatus.IN_PROGRESS
        if outcome == ENDING:
            return
        progress = now.progress
        harness.clock.advance(seconds)
    if harness.clock.now - job.created_at > DEADLINE:
        return
    harness.answer(ASK, video(last, error={"code": "x", "message": "y"}))
    assert harness.poll(job)["status"] == {"completed": "succeeded", "failed": "ending"}[last]


@given(words=st.lists(st.sampled_from([*UNDER_WAY, *NONSENSE, "completed", "failed"]), max_size=6))
def test_what_has_ended_stays_so_whatever_is_said_afterwards(words: list[str]) -> None:
    harness = Harness()
    job = harness.completed()
    for word in words:
        harness.answer(ASK, video(word))
        assert harness.poll(job) == ENDING
        assert harness.now(job) == job
