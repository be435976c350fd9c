"""Usage of the own account and of all accounts, over HTTP."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from rushes.api.usage import service as usage_service
from rushes.jobs.status import JobStatus
from rushes.ports.accounts import Account
from rushes.ports.api_keys import Scope
from tests.unit.api.native.native_caller import NativeCaller, assert_problem

USAGE, ADMIN = "/rushes/v1/usage", "/rushes/v1/admin/usage"


def become_operator(native: NativeCaller) -> None:
    native.key = native.new_key("operators")
    record = native.keys.rows[native.key.split("_")[1]]
    native.keys.add(replace(record, scopes=frozenset({Scope.ADMIN})))


def report(native: NativeCaller, path: str = USAGE, **query: str) -> Any:
    native.clock.advance(1)  # the present second is excluded
    reply = native.send("GET", path, query=query)
    assert reply.status == 200, reply
    return reply.json


def test_usage_has_the_costs_of_the_accounts_jobs(native: NativeCaller):
    done = native.new_job(tags={"team": "ads"})
    native.finish(done, JobStatus.COMPLETED, None)
    native.new_job(seconds=8)
    found = report(native, group_by="model,tag:team")
    assert found["group_by"] == ["model", "tag:team"]
    assert [(row["group"], row["jobs"], row["settled"]) for row in found["rows"]] == [
        ({"model": "sandbox/video", "tag:team": "ads"}, 1, 0.4),
        ({"model": "sandbox/video", "tag:team": None}, 1, 0.0),
    ]
    total = found["total"]
    assert (total["estimated"], total["settled"], total["pending"]) == (1.2, 0.4, 0.8)
    assert (total["completed"], total["open"], total["unpriced"]) == (1, 1, 0)
    assert found["next_cursor"] is None


def test_csv_has_the_same_rows(native: NativeCaller):
    native.new_job(tags={"team": "=1+1"})
    native.clock.advance(1)
    reply = native.send("GET", USAGE, query={"group_by": "tag:team", "format": "csv"})
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.headers["cache-control"] == "no-store"
    (line,) = csv.DictReader(io.StringIO(reply.text))
    assert (line["tag:team"], line["jobs"], line["estimated"]) == ("'=1+1", "1", "0.400000")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 2),
        ({"tags[team]": "ads"}, 1),
        ({"tags[team]": "news"}, 0),
        ({"model": "sandbox/image"}, 1),
        ({"modality": "video"}, 1),
        ({"status": "open"}, 2),
        ({"status": "completed"}, 0),
        ({"provider": "spare"}, 0),
        ({"from": "2001-01-01", "to": "2001-01-02"}, 0),
        ({"month": "2001-01"}, 0),
    ],
)
def test_filters_are_honoured(native: NativeCaller, query: dict[str, str], count: int):
    native.new_job(tags={"team": "ads"})
    native.job(
        native.send("POST", "/rushes/v1/jobs", {"model": "sandbox/image", "prompt": "x"}), 201
    )
    assert report(native, **query)["total"]["jobs"] == count


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"account": "alice"}, "account"),
        ({"group_by": "colour"}, "group_by"),
        ({"group_by": "day,day"}, "group_by"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from"),
        ({"month": "2026-11", "to": "2026-11-01"}, "month"),
        ({"month": "11/2026"}, "month"),
        ({"status": "queued"}, "status"),
        ({"format": "xml"}, "format"),
        ({"cursor": "abc"}, "cursor"),
        ({"tags": "team"}, "tags"),
        ({"model": ""}, "model"),
    ],
)
def test_other_parameters_are_refused_by_name(
    native: NativeCaller, query: dict[str, str], param: str
):
    assert_problem(native.send("GET", USAGE, query=query), 400, param)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_parts_of_a_report_are_joined_by_cursors(
    native: NativeCaller, monkeypatch: pytest.MonkeyPatch, form: str
):
    for _ in range(3):
        native.new_job()
    monkeypatch.setattr(usage_service.UsageService.part, "__defaults__", (None, 1))
    native.clock.advance(1)
    cursor: str | None = None
    parts = 0
    while True:
        query = {"group_by": "model", "format": form, **({"cursor": cursor} if cursor else {})}
        reply = native.send("GET", USAGE, query=query)
        assert reply.status == 200, reply
        parts += 1
        native.clock.advance(60)
        cursor = (
            reply.json["next_cursor"] if form == "json" else reply.headers.get("rushes-next-cursor")
        )
        if not cursor:
            break
    assert parts == 3


def test_account_sees_its_own_jobs_only(native: NativeCaller):
    native.new_job()
    assert_problem(native.send("GET", ADMIN), 403, code="missing_scope")
    native.key = native.other_accounts_key
    assert report(native, group_by="account")["rows"] == []


def test_operator_sees_all_accounts_or_one(native: NativeCaller):
    native.new_job()
    native.keys.accounts.rows["alice"] = Account("alice", 0.0)
    become_operator(native)
    rows = report(native, ADMIN, group_by="account")["rows"]
    assert [(row["group"]["account"], row["jobs"]) for row in rows] == [("alice", 1)]
    assert report(native, ADMIN, account="alice")["total"]["jobs"] == 1
    assert report(native, ADMIN, account="bob")["total"]["jobs"] == 0
    assert_problem(native.send("GET", ADMIN, query={"account": "a b"}), 400, "account")
