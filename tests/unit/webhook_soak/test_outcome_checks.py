"""The judge of `make deliveries` sees each way in which a promise can be broken."""

from typing import Any, cast

import pytest

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.harness import Harness
from tests.webhook_soak.outcome_checks import Report, judge, judge_films, judge_messages
from tests.webhook_soak.subscriber import PATH, Outage

NOON = 1_000_000
OUTAGE = Outage(life=1, since=NOON + 100.5, until=NOON + 108.5)


def ended() -> Job:
    job = Harness().accepted(prompt="a fox")
    return job.model_copy(update={"status": JobStatus.COMPLETED, "finished_at": NOON - 1.0})


JOB = ended()
NAME = f"evt_{JOB.id}_completed"


def line(answer: int | None = 204, at: int = NOON, **members: Any) -> dict[str, Any]:
    told = {"id": NAME, "path": PATH, "body": "{}", "life": 1}
    return {**told, "timestamp": at, "at": at + 0.5, "answer": answer, **members}


def attempt(report: int | str = 204, at: int = NOON) -> dict[str, Any]:
    is_error = isinstance(report, str)
    return {
        "attempted_at": at,
        "status_code": None if is_error else report,
        "error": report if is_error else None,
    }


def delivery(*attempts: dict[str, Any], status: str = "delivered") -> dict[str, Any]:
    return {"message_id": NAME, "status": status, "attempts": attempts or [attempt()]}


def judged(*heard: dict[str, Any], logged: tuple[dict[str, Any], ...] = (delivery(),)) -> Report:
    return judge([JOB], heard or (line(),), logged, [OUTAGE])


def test_what_failed_and_came_again_breaks_nothing():
    heard = line(503), line(None, NOON + 5), line(204, NOON + 9), line(500, NOON + 50)
    attempts = [
        attempt(503),
        attempt("broken", NOON + 5),
        attempt(204, NOON + 9),
        attempt(500, NOON + 50),
    ]
    report = judged(*heard, logged=(delivery(*attempts),))
    assert not report.broken
    assert (report.taken, report.repetitions, report.cut_by_kills) == (1, 1, 0)
    assert report.needed == {3: 1}
    assert report.took == [10.5]
    assert report.attempts == {"503": 1, "broken": 1, "204": 1, "500": 1}


def test_a_kill_may_cost_an_answer_and_an_outage_a_connection():
    heard = line(204, NOON + 100), line(204, NOON + 110, life=2)
    attempts = [
        attempt("broken", NOON + 100),
        attempt("refused", NOON + 105),
        attempt(204, NOON + 110),
    ]
    report = judged(*heard, logged=(delivery(*attempts),))
    assert not report.broken
    assert report.cut_by_kills == 1


@pytest.mark.parametrize(
    ("report", "promises"),
    [
        (judged(logged=()), {"not one delivery for each ending", "an attempt is not in the log"}),
        (judged(line(503), logged=(delivery(attempt(503)),)), {"lost", "not delivered"}),
        (judged(logged=(delivery(status="pending"),)), {"not delivered"}),
        (
            judged(line(), line(refused="no"), logged=(delivery(),)),
            {"not verified by another's library"},
        ),
        (
            judged(line(), line(id="evt_other"), logged=(delivery(),)),
            {"a message for no job of ours", "an attempt is not in the log"},
        ),
        (
            judged(
                line(),
                line(at=NOON + 5, body="{ }"),
                logged=(delivery(attempt(), attempt(at=NOON + 5)),),
            ),
            {"another body at a repetition"},
        ),
        (
            judged(line(path="/elsewhere")),
            {"a redirect was followed"},
        ),
        (
            judged(line(503), line(at=NOON + 5), logged=(delivery(attempt(at=NOON + 5)),)),
            {"an attempt is not in the log"},
        ),
        (
            judged(
                line(503),
                line(at=NOON + 5),
                logged=(delivery(attempt(500), attempt(at=NOON + 5)),),
            ),
            {"the log says what was not answered"},
        ),
        (
            judged(line(), logged=(delivery(attempt("refused", NOON - 50), attempt()),)),
            {"the log has what nobody heard"},
        ),
        (
            judged(line(), logged=(delivery(attempt(), attempt(at=NOON + 105)),)),
            {"the log has what nobody heard"},
        ),
        (
            judged(
                line(),
                line(at=NOON + 5),
                logged=(delivery(attempt("broken"), attempt(at=NOON + 5)),),
            ),
            {"the log says what was not answered"},
        ),
    ],
)
def test_each_broken_promise_has_its_name(report: Report, promises: set[str]):
    assert set(report.broken) == promises
    assert len(report.examples) == len(promises)


class OnePage:
    """A log that shows this of every message, and a gallery that finds this fault in each film."""

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
def test_a_messages_own_page_is_compared_with_the_log(page: dict[str, Any], count: int):
    report, log = Report(), OnePage(page)
    judge_messages(report, cast("Any", log), [delivery()], [line()])
    assert report.broken["a message is not shown as it was sent"] == count


@pytest.mark.parametrize(
    ("films", "fault", "promises"),
    [
        ({JOB.id: "key"}, "", {}),
        ({}, "", {"not on the page downstream, or there for nothing": 1}),
        (
            {JOB.id: "key", "job_other": "key"},
            "",
            {"not on the page downstream, or there for nothing": 1},
        ),
        ({JOB.id: "key"}, "too short", {"another film downstream": 1}),
    ],
)
def test_the_page_downstream_has_what_completed(
    films: dict[str, str], fault: str, promises: dict[str, int]
):
    report, gallery = Report(), OnePage(fault=fault)
    judge_films(report, cast("Any", gallery), {JOB.id: JOB}, films)
    assert report.broken == promises
