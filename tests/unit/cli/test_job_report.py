"""Report of a job, as `rushes job show` prints it."""

from typing import Any

import pytest

from cli.job_diagnosis import Facts, diagnose
from cli.job_report import as_json, as_lines
from rushes.jobs.job import Job
from tests.unit.jobs.plain_job import plain_job


def report(job: Job, last_poll: float | None = None) -> list[str]:
    facts = Facts(now=200.0, is_running=False, last_poll=last_poll)
    return list(as_lines(job, facts, diagnose(job, facts)))


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"model": "fal/fast", "cost": 1.2}, ["  model fal/fast, price $1.20"]),
        ({}, ["  model sandbox/one, price unknown"]),
        (
            {
                "finished_at": 160.0,
                "error": {"code": "upstream_refused", "message": "duration must be 8s"},
            },
            ["  1970-01-01 00:02:40 UTC  ended: upstream_refused: duration must be 8s"],
        ),
    ],
)
def test_show_has_the_price_and_the_error(fields: dict[str, Any], lines: list[str]):
    job = plain_job(**fields)
    shown = report(job)
    assert [line for line in lines if line not in shown] == []


@pytest.mark.parametrize(
    ("fields", "last_poll", "lines"),
    [
        (
            {"operation": {"id": "up-1"}, "request_id": "req=1"},
            None,
            ["  at sandbox: model one, id up-1", "  request id req=1"],
        ),
        (
            {"operation": {"id": "up-1"}, "progress": 40, "failing_since": 100.0},
            160.0,
            [
                "  last poll 1970-01-01 00:02:40 UTC, progress 40 %",
                "  polls fail since 1970-01-01 00:01:40 UTC",
            ],
        ),
        (
            {"status": "completed", "finished_at": 160.0, "cost": 0.4, "generated_at": 150.0},
            None,
            ["  at sandbox: model one", "  cost $0.40"],
        ),
        (
            {
                "status": "failed",
                "finished_at": 160.0,
                "cost": 0.4,
                "error": {"code": "upstream_refused", "message": "no"},
            },
            None,
            ["  cost $0.00"],
        ),
    ],
)
def test_show_has_the_state_at_the_provider(
    fields: dict[str, Any], last_poll: float | None, lines: list[str]
):
    job = plain_job(**fields)
    shown = report(job, last_poll)
    assert [line for line in lines if line not in shown] == []


UNPAID: dict[str, Any] = {"code": "upstream_account", "message": "kling refuses (1102)"}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {
                "finished_at": 160.0,
                "error": UNPAID,
                "outcome": {"status": "failed", "error": UNPAID, "detail": "HTTP 429: top up"},
            },
            (
                "  1970-01-01 00:02:40 UTC  ended: upstream_account: kling refuses (1102)"
                " [HTTP 429: top up]"
            ),
        ),
        (
            {
                "attempts": (
                    {
                        "model": "kling/3",
                        "provider": "kling",
                        "operation": None,
                        "started_at": 100.0,
                        "ended_at": 160.0,
                        "error": {**UNPAID, "upstream_code": "1102"},
                        "detail": "HTTP 429: top up",
                    },
                )
            },
            (
                "  1970-01-01 00:02:40 UTC  failed over from kling: upstream_account (1102):"
                " kling refuses (1102) [HTTP 429: top up]"
            ),
        ),
        (
            {
                "waiting": {
                    "error": {"code": "upstream_unreachable", "message": "cannot be reached"},
                    "detail": "h: ConnectError",
                    "since": 160.0,
                    "tries": 3,
                }
            },
            (
                "  waits for sandbox since 1970-01-01 00:02:40 UTC, 3 tries: "
                "upstream_unreachable: cannot be reached"
                " [h: ConnectError]"
            ),
        ),
    ],
)
def test_show_has_the_words_of_the_provider(fields: dict[str, Any], line: str):
    job = plain_job(**fields)
    assert line in report(job)


DEAD_LETTER: dict[str, Any] = {
    "status": "failed",
    "stage": "finished",
    "finished_at": 160.0,
    "track_until": 86_560.0,
    "operation": {"id": "up-1"},
    "outputs": ({"url": "https://cdn.example/1?signature=s"},),
    "error": {"code": "bad_output", "message": "output is empty"},
}


def test_show_has_the_places_of_a_dead_letter():
    job = plain_job(**DEAD_LETTER)
    shown = report(job)
    for line in (
        "  dead letter: the result is fetched again until 1970-01-02 00:02:40 UTC",
        "  at sandbox: model one, id up-1",
        "  output: https://cdn.example/1?signature=s",
    ):
        assert line in shown


def test_report_has_tags_candidates_and_next_steps():
    labels = {"tags": {"team": "ads", "shot": "7"}}
    job = plain_job(labels=labels, fallbacks=("fal/fast",), waiting=WAITING)
    facts = Facts(now=120.0, is_running=True)
    shown = list(as_lines(job, facts, diagnose(job, facts, ("--local",))))
    assert "  tags: team=ads, shot=7" in shown
    assert "  further candidates: fal/fast" in shown
    assert shown[-3:] == [
        "Next steps",
        "  rushes provider test sandbox --local",
        "  rushes provider set-key sandbox --local",
    ]


WAITING: dict[str, Any] = {
    "error": {"code": "upstream_unauthorized", "message": "rejects the key"},
    "since": 110.0,
}


def test_json_has_the_same_facts():
    job = plain_job(waiting=WAITING, attempts=(), config_version=3)
    facts = Facts(now=120.0, is_running=None)
    found = as_json(job, facts, diagnose(job, facts))
    assert found["execution"] == {"name": "job_1", "state": "was never started"}
    assert found["waiting"]["error"]["code"] == "upstream_unauthorized"
    assert found["diagnosis"]["reason"] == "upstream_unauthorized"
    assert found["diagnosis"]["next_steps"][0] == "rushes provider test sandbox"
    assert found["timeline"][0]["at"] == "1970-01-01T00:01:40Z"
    assert found["waiting"]["since"] == "1970-01-01T00:01:50Z"
    assert found["cost"] == {"estimated": None, "settled": None}
