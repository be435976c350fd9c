import pytest

from rushes.providers.states import State, plain, state_of

WORDS = {
    State.QUEUED: "queued QUEUED Queueing in_queue IN-QUEUE pending submitted Scheduled accepted",
    State.RUNNING: "in_progress InProgress IN PROGRESS processing running RENDERING generating"
    " initializing Canceling retrying ENCODING loading",
    State.SUCCEEDED: "completed COMPLETE succeed Succeeded success done finished Ready successful"
    " Rendered generated partially-succeeded COMPLETED_WITH_ERRORS",
    State.FAILED: "failed FAIL failure error Errored expired timed_out TIMEOUT rejected aborted"
    " TERMINATED killed internal_error",
    State.CANCELLED: "cancelled CANCELED cancel CANCELLED_BY_USER",
}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (word, state)
        for state, words in WORDS.items()
        for word in words.replace("IN PROGRESS", "IN~PROGRESS").split()
    ],
)
def test_synonyms_in_any_case_name_one_state(word: str, state: State):
    status = word.replace("~", " ")
    assert state_of(status) is state_of(f" {status}\n") is state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("JOB_STATE_SUCCEEDED", State.SUCCEEDED),
        ("TASK_STATUS_SUCCEED", State.SUCCEEDED),
        ("video.status.failed", State.FAILED),
        ("STATUS_IN_PROGRESS", State.RUNNING),
        ("job.completed", State.SUCCEEDED),
        ("video_ready", State.SUCCEEDED),
        ("TaskFailed", State.FAILED),
    ],
)
def test_prefix_of_an_enumeration_is_ignored(status: str, state: State):
    assert state_of(status) is state


@pytest.mark.parametrize("status", ["", "5", "melting", "state", "undone", "not_ready", "queue"])
def test_other_words_are_unknown(status: str):
    assert state_of(status) is None


def test_words_of_a_provider_replace_the_common_ones():
    own = {"pending": State.RUNNING, "-1": State.FAILED, "1": State.SUCCEEDED}
    assert state_of("PENDING", own) is State.RUNNING
    assert (state_of("-1", own), state_of("1", own)) == (State.FAILED, State.SUCCEEDED)
    assert state_of("done", own) is State.SUCCEEDED


def test_plain_form_has_no_case_and_no_separators():
    assert plain("In-Progress") == plain("IN_PROGRESS") == plain("in progress") == "inprogress"
