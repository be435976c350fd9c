"""Providers at run time, over HTTP, for operators."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rushes.ports.api_keys import Scope
from tests.unit.api.native.native_caller import NativeCaller, assert_problem

PROVIDERS = "/rushes/v1/admin/providers"
PAUSE = {"reason": "new data centre"}


@pytest.fixture
def operator(native: NativeCaller) -> NativeCaller:
    """A caller with an operator's key; alice has two jobs."""
    native.new_job()
    native.new_job()
    native.key = native.new_key("operators")
    record = native.keys.rows[native.key.split("_")[1]]
    native.keys.add(replace(record, scopes=frozenset({Scope.ADMIN})))
    return native


def get(operator: NativeCaller, path: str = "") -> Any:
    reply = operator.send("GET", f"{PROVIDERS}{path}")
    assert reply.status == 200, reply
    return reply.json


def test_list_has_the_state_and_the_open_jobs_of_each_provider(operator: NativeCaller):
    found = get(operator)
    assert [(each["name"], each["state"]) for each in found["providers"]] == [
        ("sandbox", "available"),
        ("spare", "available"),
    ]
    assert found["providers"][0]["jobs"]["waiting"] == 2
    assert found["jobs_are_complete"] is True


def test_pause_and_resume(operator: NativeCaller):
    until = datetime.fromtimestamp(operator.clock() + 3600, UTC).isoformat()
    reply = operator.send("POST", f"{PROVIDERS}/sandbox/pause", {**PAUSE, "until": until})
    assert reply.status == 200
    assert reply.json["state"] == "paused"
    assert reply.json["pause"]["reason"] == "new data centre"
    assert datetime.fromisoformat(reply.json["pause"]["until"]) == datetime.fromisoformat(until)
    assert get(operator, "/sandbox")["state"] == "paused"
    assert operator.send("POST", f"{PROVIDERS}/sandbox/resume").json["state"] == "available"
    assert operator.send("POST", f"{PROVIDERS}/sandbox/resume").status == 200
    entries = [
        (entry.action, entry.target, entry.actor.partition(":")[0])
        for entry in operator.keys.accounts.audit.entries
        if entry.action.startswith("provider.")
    ]
    assert entries == [
        ("provider.pause", "provider:sandbox", "key"),
        ("provider.resume", "provider:sandbox", "key"),
    ]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "\t"}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"reason": 7}, "reason"),
        ({**PAUSE, "until": "soon"}, "until"),
        ({**PAUSE, "until": "2001-01-01T00:00:00Z"}, "until"),
        ({**PAUSE, "until": "2027-01-15T08:00:00"}, "until"),
        ({**PAUSE, "until": "9999-12-31T23:59:59-12:00"}, "until"),
        ({**PAUSE, "until": 1e300}, "until"),
        ({**PAUSE, "drain": True}, "drain"),
    ],
)
def test_other_pauses_are_refused_by_name(operator: NativeCaller, body: Any, param: str):
    assert_problem(operator.send("POST", f"{PROVIDERS}/sandbox/pause", body), 400, param)
    assert get(operator, "/sandbox")["state"] == "available"


@pytest.mark.parametrize("name", ["sandbix", "SANDBOX", "%20", "a" * 300, "..%2Fsandbox"])
@pytest.mark.parametrize("verb", ["", "/pause", "/resume", "/test"])
def test_unknown_provider_is_not_found(operator: NativeCaller, name: str, verb: str):
    method = "POST" if verb else "GET"
    reply = operator.send(method, f"{PROVIDERS}/{name}{verb}", PAUSE if verb == "/pause" else None)
    assert_problem(reply, 404, "name", "not_found")


def test_users_key_is_refused(native: NativeCaller):
    for method, path in (("GET", ""), ("POST", "/sandbox/pause"), ("POST", "/sandbox/test")):
        assert_problem(native.send(method, PROVIDERS + path, PAUSE), 403, code="missing_scope")


def test_key_of_a_provider_is_tested_for_free(operator: NativeCaller):
    reply = operator.send("POST", f"{PROVIDERS}/sandbox/test")
    assert (reply.status, reply.json) == (
        200,
        {
            "provider": "sandbox",
            "key": "accepted",
            "reason": "HTTP 404 for a job that does not exist",
        },
    )
    assert operator.services.key_checks.checks.checked == ["sandbox"]
    assert operator.keys.accounts.audit.actions[-1] == "provider.test"
    entries = operator.send("GET", "/rushes/v1/admin/audit", query={"action": "provider.test"})
    assert [entry["action"] for entry in entries.json["data"]] == ["provider.test"]
