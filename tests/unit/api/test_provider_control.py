"""Providers at run time: state, pauses with reasons and ends, audit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from typing_extensions import override

from rushes.api.provider_control import service
from rushes.api.provider_control.service import ProviderControl
from rushes.errors import InvalidRequest, NotFound, WriteConflict
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.audit import AuditEntry
from rushes.ports.provider_calls import CallCounts, FailedCall
from rushes.ports.providers import Circuit, RateLimit
from tests.fakes import FakeAudit, FakeRateLimits
from tests.harness import CREATE, Harness, video

ACTOR = "key:0123456789abcdef"
REASON = "new data centre"


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.answer(CREATE, video("queued"))
    return harness


def control_of(harness: Harness) -> ProviderControl:
    return ProviderControl(
        harness.rate_limits,
        harness.provider_calls,
        harness.jobs,
        harness.catalogs,
        FakeAudit(),
        harness.clock,
    )


def entries_of(control: ProviderControl) -> list[AuditEntry]:
    return control.audit.entries  # type: ignore[attr-defined, no-any-return]


def in_seconds(harness: Harness, seconds: float) -> datetime:
    return datetime.fromtimestamp(harness.clock() + seconds, UTC)


def test_pause_holds_create_calls_until_the_resume(harness: Harness):
    control, job = control_of(harness), harness.accepted()
    pause = control.pause("sandbox", f"  {REASON}\n", None, ACTOR)
    assert (pause.reason, pause.until) == (REASON, None)
    assert harness.submit(job)["status"] == "pending"
    assert control.get("sandbox").state == "paused"
    assert control.get("sandbox").jobs.waiting == 1
    assert control.get("spare").state == "available"
    assert control.resume("sandbox", ACTOR)
    assert harness.submit(job)["status"] == "submitted"
    assert control.get("sandbox").state == "available"


def test_changes_are_in_the_audit_log(harness: Harness):
    control = control_of(harness)
    end = in_seconds(harness, 60)
    control.pause("sandbox", REASON, end, ACTOR)
    control.resume("sandbox", ACTOR)
    assert not control.resume("sandbox", ACTOR)
    assert [(each.action, each.target, each.actor) for each in entries_of(control)] == [
        ("provider.pause", "provider:sandbox", ACTOR),
        ("provider.resume", "provider:sandbox", ACTOR),
    ]
    assert entries_of(control)[0].detail == {"reason": REASON, "until": end.isoformat()}


def test_second_pause_replaces_reason_and_end_and_keeps_its_begin(harness: Harness):
    control = control_of(harness)
    first = control.pause("sandbox", "one", None, ACTOR)
    harness.clock.advance(100)
    second = control.pause("sandbox", "two", in_seconds(harness, 60), ACTOR)
    assert (second.reason, second.since) == ("two", first.since)
    harness.clock.advance(61)
    assert control.get("sandbox").pause is None
    assert control.pause("sandbox", "three", None, ACTOR).since > first.since


def test_other_state_of_the_provider_is_kept(harness: Harness):
    circuits = {"*": Circuit(rejections=3, failing_since=harness.clock())}
    harness.rate_limits.rows["sandbox"] = RateLimit(not_before=5.0, circuits=circuits)
    control = control_of(harness)
    control.pause("sandbox", REASON, None, ACTOR)
    control.resume("sandbox", ACTOR)
    assert harness.rate_limits.get("sandbox") == RateLimit(not_before=5.0, circuits=circuits)


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (-1, "must be in the future, 30 days ahead at most"),
        (0, "must be in the future"),
        (31 * 24 * 3600, "30 days ahead at most"),
    ],
)
def test_end_of_a_pause_is_in_the_next_month(harness: Harness, seconds: float, message: str):
    control = control_of(harness)
    with pytest.raises(InvalidRequest, match=message) as caught:
        control.pause("sandbox", REASON, in_seconds(harness, seconds), ACTOR)
    assert caught.value.param == "until"
    assert (harness.rate_limits.rows, entries_of(control)) == ({}, [])


def test_end_needs_a_time_zone_and_may_have_any(harness: Harness):
    control, end = control_of(harness), in_seconds(harness, 600)
    with pytest.raises(InvalidRequest, match="time zone"):
        control.pause("sandbox", REASON, end.replace(tzinfo=None), ACTOR)
    local = end.astimezone(timezone(timedelta(hours=9)))
    assert control.pause("sandbox", REASON, local, ACTOR).until == end


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 201, "bell \x07"])
def test_reason_is_a_short_text(harness: Harness, reason: str):
    control = control_of(harness)
    with pytest.raises(InvalidRequest) as caught:
        control.pause("sandbox", reason, None, ACTOR)
    assert (caught.value.param, entries_of(control)) == ("reason", [])


@pytest.mark.parametrize(("name", "hint"), [("sandbix", "similar: sandbox"), ("x", "it has")])
@pytest.mark.parametrize(
    "call",
    [
        lambda control, name: control.get(name),
        lambda control, name: control.pause(name, REASON, None, ACTOR),
        lambda control, name: control.resume(name, ACTOR),
    ],
)
def test_unknown_provider_is_refused_by_name(
    harness: Harness, call: Callable[[ProviderControl, str], object], name: str, hint: str
):
    with pytest.raises(NotFound, match=f"no provider '{name}' .{hint}"):
        call(control_of(harness), name)


def test_paused_provider_that_left_the_configuration_can_be_resumed(harness: Harness):
    control_of(harness).pause("sandbox", REASON, None, ACTOR)
    others = {name: entry for name, entry in harness.catalog.providers.items() if name == "spare"}
    harness.catalog = harness.catalog.model_copy(update={"providers": others})
    control = control_of(harness)
    assert control.get("sandbox").vendor is None
    assert control.resume("sandbox", ACTOR)


def test_change_is_repeated_while_jobs_change_the_same_item(harness: Harness):
    class Busy(FakeRateLimits):
        conflicts = service.MAX_TRIES - 1

        @override
        def decide(self, provider: str, decide: Any) -> Any:
            if self.conflicts:
                self.conflicts -= 1
                raise WriteConflict("busy")
            return super().decide(provider, decide)

    harness.rate_limits = Busy()
    control_of(harness).pause("sandbox", REASON, None, ACTOR)
    assert control_of(harness).get("sandbox").state == "paused"


def test_open_jobs_are_counted_by_what_they_wait_for(harness: Harness):
    harness.accepted()
    harness.clock.advance(90)
    harness.accepted()
    harness.leased()
    running = harness.running()
    harness.waiting()
    harness.completed()
    unconfirmed = harness.accepted()
    harness.change(unconfirmed, lambda job, now: job.submission_unconfirmed(now))
    cancelled = harness.running()
    harness.change(
        cancelled, lambda job, now: job.cancelled_by_client(now, UpstreamCancelled.UNSUPPORTED)
    )
    harness.finish(cancelled)
    jobs = control_of(harness).get("sandbox").jobs
    assert (jobs.waiting, jobs.creating, jobs.running) == (3, 1, 2)
    assert (jobs.unconfirmed, jobs.fetched_again) == (1, 1)
    assert jobs.oldest_waiting_seconds == 90
    assert running.operation is not None


def test_list_has_all_providers_and_says_if_jobs_are_missing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(3):
        harness.accepted()
    found = control_of(harness).list()
    assert ([view.name for view in found.providers], found.jobs_are_complete) == (
        ["sandbox", "spare"],
        True,
    )
    monkeypatch.setattr("rushes.api.provider_control.open_jobs.MAX_JOBS", 3)
    assert not control_of(harness).list().jobs_are_complete


def test_calls_and_last_error_of_the_last_hour(harness: Harness):
    now = harness.clock()
    error = FailedCall(now - 60, "upstream_unavailable", "poll", "E1")
    harness.provider_calls.add("sandbox", CallCounts(90, 0), now - 7200)
    harness.provider_calls.add("sandbox", CallCounts(40, 10, error), now - 60)
    view = control_of(harness).get("sandbox")
    assert (view.calls.total, view.calls.failed, view.calls.error_rate) == (40, 10, 0.25)
    assert view.last_error is not None
    assert (view.last_error.code, view.last_error.call) == ("upstream_unavailable", "poll")
    assert control_of(harness).get("spare").calls.error_rate is None


@pytest.mark.parametrize(
    ("limit", "state"),
    [
        ({"circuits": {"*": {"open_until": 60.0, "rejections": 4}}}, "circuit_open"),
        ({"circuits": {"*": {"rejections": 1}}}, "available"),
        ({"not_before": 60.0}, "throttled"),
        ({"not_before": 60.0, "circuits": {"m": {"open_until": -1.0}}}, "circuit_open"),
    ],
)
def test_state_of_a_provider(harness: Harness, limit: dict[str, Any], state: str):
    harness.clock.now = 0.0
    harness.rate_limits.rows["sandbox"] = RateLimit.model_validate(limit)
    assert control_of(harness).get("sandbox").state == state
