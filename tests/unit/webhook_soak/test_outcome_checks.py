"""Tests of the checks of `make webhook-soak`: each violation is detected."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.harness import Harness
from tests.webhook_soak.outcome_checks import Report, check, check_messages, check_videos
from tests.webhook_soak.subscriber import PATH, Outage

NOON = 1_000_000
OUTAGE = Outage(life=1, since=NOON + 100.5, until=NOON + 108.5)


def finished() -> Job:
    job = Harness().accepted(prompt="a fox")
    return job.model_copy(update={"status": JobStatus.COMPLETED, "finished_at": NOON - 1.0})


JOB = finished()
NAME = f"evt_{JOB.id}_completed"


def line(answer: int | None = 204, at: int = NOON, **members: Any) -> dict[str, Any]:
    fixed = {"id": NAME, "path": PATH, "body": "{}", "life": 1}
    return {**fixed, "timestamp": at, "at": at + 0.5, "answer": answer, **members}


def attempt(result: int | str = 204, at: int = NOON) -> dict[str, Any]:
    is_error = isinstance(result, str)
    return {
        "attempted_at": at,
        "status_code": None if is_error else result,
        "error": result if is_error else None,
    }


def delivery(*attempts: dict[str, Any], status: str = "delivered") -> dict[str, Any]:
    return {"message_id": NAME, "status": status, "attempts": attempts or [attempt()]}


def checked(*received: Any, logged: Sequence[Any] | None = None, attempts: Any = ()) -> Report:
    """The log is `logged`, or one delivery with these attempts."""
    log = (delivery(*attempts),) if logged is None else logged
    return check([JOB], received or (line(),), log, [OUTAGE])


def test_check_accepts_failures_that_were_retried():
    received = line(503), line(None, NOON + 5), line(204, NOON + 9), line(500, NOON + 50)
    last = attempt(204, NOON + 9), attempt(500, NOON + 50)
    report = checked(*received, attempts=(attempt(503), attempt("broken", NOON + 5), *last))
    assert not report.violations
    assert (report.accepted, report.repetitions, report.lost_by_kills) == (1, 1, 0)
    assert report.needed == {3: 1}
    assert report.delays == [10.5]
    assert report.attempts == {"503": 1, "broken": 1, "204": 1, "500": 1}


def test_check_accepts_a_response_lost_by_a_kill():
    received = line(204, NOON + 100), line(204, NOON + 110, life=2)
    failed = attempt("broken", NOON + 100), attempt("refused", NOON + 105)
    report = checked(*received, attempts=(*failed, attempt(204, NOON + 110)))
    assert not report.violations
    assert report.lost_by_kills == 1


NOT_LOGGED = "an attempt is not in the log"
NOT_RECEIVED = "an attempt in the log was not received"
OTHER_RESULT = "the log has another result than the receiver"
REPEATED, AGAIN = line(at=NOON + 5), attempt(at=NOON + 5)


@pytest.mark.parametrize(
    ("report", "violations"),
    [
        (checked(logged=()), {"not one delivery for each terminal event", NOT_LOGGED}),
        (checked(line(503), attempts=(attempt(503),)), {"lost", "not delivered"}),
        (checked(logged=(delivery(status="pending"),)), {"not delivered"}),
        (checked(line(), line(refused="no")), {"not verified by standardwebhooks"}),
        (
            checked(line(), line(id="evt_other")),
            {"a message for another account's job", NOT_LOGGED},
        ),
        (
            checked(line(), {**REPEATED, "body": "{ }"}, attempts=(attempt(), AGAIN)),
            {"a repetition has another body"},
        ),
        (checked(line(path="/elsewhere")), {"a redirect was followed"}),
        (checked(line(503), REPEATED, attempts=(AGAIN,)), {NOT_LOGGED}),
        (checked(line(503), REPEATED, attempts=(attempt(500), AGAIN)), {OTHER_RESULT}),
        (checked(attempts=(attempt("refused", NOON - 50), attempt())), {NOT_RECEIVED}),
        (checked(attempts=(attempt(), attempt(at=NOON + 105))), {NOT_RECEIVED}),
        (checked(line(), REPEATED, attempts=(attempt("broken"), AGAIN)), {OTHER_RESULT}),
    ],
)
def test_check_names_each_violation(report: Report, violations: set[str]):
    assert set(report.violations) == violations
    assert len(report.examples) == len(violations)


class FakeLogAndGallery:
    """Log that returns one message, and gallery that reports one fault."""

    def __init__(self, message: dict[str, Any] | None = None, fault: str = "") -> None:
        self._message = message
        self._fault = fault

    def message(self, _: str) -> Any:
        return self._message

    def fault(self, _job: Job, _key: str) -> str:
        return self._fault


@pytest.mark.parametrize(
    ("page", "count"),
    [
        ({"deliveries": [delivery()], "event": {}}, 0),
        ({"deliveries": [delivery(), delivery()], "event": {}}, 1),
        ({"deliveries": [delivery(status="pending")], "event": {}}, 1),
        ({"deliveries": [delivery()], "event": {"id": "another"}}, 1),
    ],
)
def test_check_messages_compares_a_message_with_the_log(page: dict[str, Any], count: int):
    report, log = Report(), FakeLogAndGallery(page)
    check_messages(report, cast("Any", log), [delivery()], [line()])
    assert report.violations["a message differs from the log or the received body"] == count


@pytest.mark.parametrize(
    ("videos", "fault", "violations"),
    [
        ({JOB.id: "key"}, "", {}),
        ({}, "", {"missing or superfluous in the gallery": 1}),
        ({JOB.id: "key", "job_other": "key"}, "", {"missing or superfluous in the gallery": 1}),
        ({JOB.id: "key"}, "too short", {"wrong video in the gallery": 1}),
    ],
)
def test_check_videos_compares_the_gallery_with_completed_jobs(
    videos: dict[str, str], fault: str, violations: dict[str, int]
):
    report, gallery = Report(), FakeLogAndGallery(fault=fault)
    check_videos(report, cast("Any", gallery), {JOB.id: JOB}, videos)
    assert report.violations == violations
