"""Why a job waits or failed: each state has its reason, and commands for it."""

from typing import Any

import pytest

from cli.job_diagnosis import Facts, diagnose
from rushes.ports.providers import Circuit, ProviderPause, RateLimit
from tests.unit.jobs.plain_job import plain_job

NOW = 130.0
RUNNING: dict[str, Any] = {"operation": {"id": "up-1"}, "submitted_at": 110.0}
FAILED: dict[str, Any] = {"status": "failed", "stage": "finished", "finished_at": 120.0}
OPEN = Circuit(open_until=200.0, accounts=("demo",), reason="HTTP 401")


def waiting(code: str) -> dict[str, Any]:
    return {"waiting": {"error": {"code": code, "message": "it waits"}, "since": 110.0}}


def pause(reason: str) -> dict[str, Any]:
    fields = {"reason": reason, "detail": "why", "since": 110.0, "check_at": 110.0}
    return {"pause": {**fields, "needs_operator": True}}


@pytest.mark.parametrize(
    ("fields", "facts", "state", "reason"),
    [
        ({}, Facts(NOW), "waits", "starting"),
        ({}, Facts(NOW, is_running=True), "waits", "turn"),
        ({"updated_at": -500.0, "check_at": -400.0}, Facts(NOW), "overdue", "overdue"),
        ({"updated_at": -500.0}, Facts(NOW, is_running=True), "waits", "turn"),
        (waiting("upstream_account"), Facts(NOW), "waits", "upstream_account"),
        (waiting("too_many_jobs"), Facts(NOW), "waits", "too_many_jobs"),
        (waiting("of_a_newer_release"), Facts(NOW), "waits", "of_a_newer_release"),
        (pause("restored"), Facts(NOW), "paused", "restored"),
        (pause("restarts"), Facts(NOW), "paused", "restarts"),
        (pause("of_a_newer_release"), Facts(NOW), "paused", "of_a_newer_release"),
        ({"stage": "of_a_newer_release"}, Facts(NOW), "paused", "newer_release"),
        ({"submission_unconfirmed_since": 110.0}, Facts(NOW), "waits", "upstream_outcome_unknown"),
        (RUNNING, Facts(NOW), "waits", "queued"),
        ({**RUNNING, "started_at": 115.0}, Facts(NOW), "runs", "running"),
        ({**RUNNING, "failing_since": 115.0}, Facts(NOW), "runs", "failing_polls"),
        ({**RUNNING, "generated_at": 115.0}, Facts(NOW), "runs", "storing"),
        ({**RUNNING, "outcome": {"status": "completed"}}, Facts(NOW), "runs", "finishing"),
        ({**FAILED, "error": {"code": "bad_output", "message": "m"}}, Facts(NOW), "ended", None),
        ({"status": "completed", "finished_at": 120.0}, Facts(NOW), "ended", "completed"),
        ({"status": "cancelled", "finished_at": 120.0}, Facts(NOW), "ended", "cancelled"),
        ({**FAILED, "track_until": 900.0}, Facts(NOW), "ended", "dead_letter"),
    ],
)
def test_reason_of_each_state(fields: dict[str, Any], facts: Facts, state: str, reason: str | None):
    found = diagnose(plain_job(**fields), facts)
    assert (found.state, found.reason) == (state, reason or "bad_output")
    assert found.cause
    assert found.remedy


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (RateLimit(pause=ProviderPause(reason="upgrade", since=100.0)), "provider_paused"),
        (RateLimit(pause=ProviderPause(reason="upgrade", since=1.0, until=2.0)), "turn"),
        (RateLimit(circuits={"one": OPEN}), "upstream_unauthorized"),
        (RateLimit(circuits={"*": OPEN}), "upstream_unreachable"),
        (RateLimit(circuits={"another-model": OPEN}), "turn"),
        (RateLimit(not_before=140.0), "upstream_busy"),
        (RateLimit(not_before=120.0), "turn"),
    ],
)
def test_present_state_of_the_provider_comes_before_an_earlier_reason(
    limit: RateLimit, reason: str
):
    facts = Facts(NOW, is_running=True, limit=limit)
    assert diagnose(plain_job(), facts).reason == reason
    expected = reason if reason != "turn" else "upstream_account"
    assert diagnose(plain_job(**waiting("upstream_account")), facts).reason == expected


def test_commands_name_the_job_its_provider_and_the_deployment():
    facts = Facts(NOW, limit=RateLimit(pause=ProviderPause(reason="upgrade", since=100.0)))
    found = diagnose(plain_job(), facts, ("--stack", "rushes"))
    assert found.next_steps == (
        "rushes provider resume sandbox --stack rushes",
        "rushes job cancel job_1 --stack rushes",
    )
