"""States of a job at its provider, and the words with which providers name them."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


Words = Mapping[str, State]
"""States by word, in the form of `plain`."""

FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
FILTERED_WORDS = frozenset(
    {"blocked", "contentfiltered", "contentmoderated", "filtered", "moderated", "requestmoderated"}
)
"""Words for a job that ended in the content filter."""

_WORDS_BY_STATE = {
    State.QUEUED: (
        "accepted created deferred enqueued inqueue new notstarted pending preparing queued"
        " queueing queuing onhold received scheduled starting submitted throttled waiting"
    ),
    State.RUNNING: (
        "active booting canceling cancelling downloading dreaming encoding executing finalizing"
        " generating initializing inprogress inprocess loading ongoing postprocessing processing"
        " progressing rendering retrying running saving started streaming uploading validating"
        " working"
    ),
    State.SUCCEEDED: (
        "complete completed completedwitherrors completedwithwarnings done finish finished"
        " generated partialsuccess partiallycompleted partiallysucceeded ready rendered succeed"
        " succeeded success successful"
    ),
    State.FAILED: "aborted budgetexceeded crashed error errored expired fail failed failure"
    " incomplete internalerror interrupted killed rejected terminated timedout timeout "
    + " ".join(sorted(FILTERED_WORDS)),
    State.CANCELLED: "cancel canceled canceledbyuser cancelled cancelledbyuser",
}
WORDS: Words = MappingProxyType(
    {word: state for state, words in _WORDS_BY_STATE.items() for word in words.split()}
)

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_PREFIX = re.compile(r"^(?:job|task|video|run|operation)?(?:state|status)?(?=.)")
"""Of words such as JOB_STATE_SUCCEEDED and `video.completed`."""


def state_of(status: str, own: Words = MappingProxyType({})) -> State | None:
    """Return the state that a status names, in any case; None if it is unknown.

    `own` has the words to which a provider gives another meaning.
    """
    word = plain(status)
    names = (status.strip().casefold(), word, _PREFIX.sub("", word))
    return next((words[name] for words in (own, WORDS) for name in names if name in words), None)


def plain(status: str) -> str:
    """Return a status in lower case and without separators, as `IN_PROGRESS` and `in-progress`."""
    return _SEPARATORS.sub("", status.casefold())
