"""List and search jobs by the native API: every filter is honoured or refused by name."""

from dataclasses import replace
from typing import Any

import pytest

from rushes.jobs.status import JobStatus
from rushes.ports.api_keys import Scope
from tests.unit.api.native.native_caller import JOBS, NativeCaller, Pairs, assert_problem


def listed(native: NativeCaller, *query: tuple[str, str]) -> list[str]:
    """Return the prompts of all pages; each job is listed once."""
    ids, prompts, cursor = [], [], None
    while True:
        page = native.send("GET", JOBS, query=[*query, *([("cursor", cursor)] if cursor else [])])
        assert page.status == 200, page
        ids += [job["id"] for job in page.json["data"]]
        prompts += [job["prompt"] for job in page.json["data"]]
        cursor = page.json["next_cursor"]
        if cursor is None:
            assert len(set(ids)) == len(ids)
            return prompts


@pytest.fixture
def jobs(native: NativeCaller) -> NativeCaller:
    """Three jobs, a minute apart: `one` to `three`."""
    native.new_job(prompt="one Cat", tags={"team": "ads", "shot": "1"}, user="u-1")
    native.clock.advance(60)
    two = native.new_job(prompt="two cats", model="boat", seconds=8, tags={"team": "ads"})
    native.clock.advance(60)
    native.new_job(prompt="three", model="spare/video", tags={"team": "games"})
    native.finish(two, JobStatus.CANCELLED, None)
    return native


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ((), ["three", "two cats", "one Cat"]),
        ([("sort", "oldest")], ["one Cat", "two cats", "three"]),
        ([("status", "queued")], ["three", "one Cat"]),
        ([("status", "cancelled")], ["two cats"]),
        ([("status", "cancelled"), ("status", "queued")], ["three", "two cats", "one Cat"]),
        ([("status", "cancelled,completed")], ["two cats"]),
        ([("model", "boat")], ["two cats"]),
        ([("model", "sandbox/video")], ["two cats", "one Cat"]),
        ([("provider", "spare")], ["three"]),
        ([("modality", "image")], []),
        ([("user", "u-1")], ["one Cat"]),
        ([("text", "CAT")], ["two cats", "one Cat"]),
        ([("tag", "team:ads")], ["two cats", "one Cat"]),
        ([("tag", "team:ads"), ("tag", "shot:1")], ["one Cat"]),
        ([("tags[team]", "ads"), ("tags[shot]", "1")], ["one Cat"]),
        ([("tags[team]", "ads"), ("tag", "shot:1")], ["one Cat"]),
        ([("tags[team]", "ads"), ("tag", "team:ads")], ["two cats", "one Cat"]),
        ([("min_cost", "0.8")], ["three", "two cats"]),
        ([("max_cost", "0.8")], ["two cats", "one Cat"]),
        ([("min_cost", "0.5"), ("max_cost", "0.8")], ["two cats"]),
        ([("created_after", "1800000060")], ["three", "two cats"]),
        ([("created_before", "2027-01-15T08:01:00Z")], ["one Cat"]),
        ([("created_after", "2027-01-15T09:01:00+01:00")], ["three", "two cats"]),
        ([("limit", "1")], ["three", "two cats", "one Cat"]),
        ([("limit", "1"), ("tag", "team:ads"), ("sort", "oldest")], ["one Cat", "two cats"]),
    ],
)  # fmt: skip
def test_filters_select_jobs(jobs: NativeCaller, query: Pairs, expected: list[str]):
    assert listed(jobs, *query) == expected


def test_filter_on_the_key_that_created_a_job(jobs: NativeCaller):
    own = jobs.key.split("_")[1]
    assert len(listed(jobs, ("key", own))) == 3
    assert listed(jobs, ("key", "0" * 16)) == []


def test_pages_that_examine_few_jobs_go_on(jobs: NativeCaller):
    jobs.services.search.page_size = 1
    first = jobs.send("GET", JOBS, query={"tag": "shot:1"}).json
    assert first["data"] == []
    assert first["next_cursor"]
    assert listed(jobs, ("tag", "shot:1")) == ["one Cat"]


@pytest.mark.parametrize(
    ("query", "param", "text"),
    [
        ([("state", "queued")], "state", "query parameters of this URL: created_after, "),
        ([("tags", "team")], "tags", "tags[name]=value"),
        ([("tag[team]", "ads")], "tag[team]", "is not supported"),
        ([("status", "done")], "status", "must be one of"),
        ([("status", "")], "status", "must not be empty"),
        ([("text", "")], "text", "must not be empty"),
        ([("model", "a"), ("model", "b")], "model", "given twice"),
        ([("tags[team]", "a"), ("tags[team]", "b")], "tags", "given twice"),
        ([("tag", "team:a"), ("tags[team]", "b")], "tag", "team is duplicated"),
        ([("tag", "team:a"), ("tag", "team:b")], "tag", "team is duplicated"),
        ([("tag", "team")], "tag", "must be name:value"),
        ([("tag", "a b:c")], "tag", "tag name"),
        ([("modality", "smell")], "modality", "must be one of"),
        ([("limit", "0")], "limit", "at least 1 (got"),
        ([("limit", "101")], "limit", "at most 100"),
        ([("limit", "ten")], "limit", "must be an integer"),
        ([("sort", "cost")], "sort", "must be one of"),
        ([("min_cost", "-1")], "min_cost", "at least 0"),
        ([("min_cost", "nan")], "min_cost", ""),
        ([("max_cost", "free")], "max_cost", "must be a number"),
        ([("min_cost", "2"), ("max_cost", "1")], "min_cost", "at most max_cost"),
        ([("created_after", "yesterday")], "created_after", "must be a time"),
        ([("created_after", "2027-01-15T08:01:00")], "created_after", "time zone"),
        ([("created_after", "1e400")], "created_after", "must be a time"),
        ([("created_before", "9" * 30)], "created_before", "must be a time"),
        ([("created_before", "99999-01-01T00:00:00Z")], "created_before", "must be a time"),
        ([("text", "x" * 201)], "text", "at most 200 characters"),
        ([("key", "x" * 301)], "key", "at most 300 characters"),
        ([("tag", "a:b")] * 11, "tag", "at most 10 members"),
        (
            [("created_after", "2027-01-16T00:00:00Z"), ("created_before", "2027-01-15T00:00:00Z")],
            "created_after", "at most created_before",
        ),
        ([("cursor", "abc")], "cursor", "use the next_cursor"),
        ([("cursor", "")], "cursor", "must not be empty"),
        ([("text", "a\0b")], "text", "NUL"),
        ([("_", "1")], "_", "is not supported"),
        ([("api-version", "1")], "api-version", "is not supported"),
    ],
)  # fmt: skip
def test_wrong_filter_is_refused_by_name(native: NativeCaller, query: Pairs, param: str, text: str):
    assert_problem(native.send("GET", JOBS, query=query), 400, param, text=text)


def test_cursor_of_another_account_or_list_is_refused(jobs: NativeCaller):
    cursor = jobs.send("GET", JOBS, query={"limit": "1"}).json["next_cursor"]
    other = {"authorization": f"Bearer {jobs.other_accounts_key}"}
    refused: list[tuple[Any, Pairs]] = [
        (other, [("cursor", cursor)]),
        (None, [("cursor", cursor), ("sort", "oldest")]),
        (None, [("cursor", cursor), ("tag", "team:ads")]),
        (None, [("cursor", f"{cursor}x")]),
        (None, [("cursor", cursor[:-1])]),
    ]
    for headers, query in refused:
        reply = jobs.send("GET", JOBS, headers=headers, query=query)
        assert_problem(reply, 400, "cursor", "unknown_cursor")


def test_operator_lists_the_jobs_of_an_account(jobs: NativeCaller):
    path, key = "/rushes/v1/admin/jobs", jobs.new_key("operators")
    record = jobs.keys.rows[key.split("_")[1]]
    jobs.keys.add(replace(record, scopes=frozenset({Scope.ADMIN})))
    headers = {"authorization": f"Bearer {key}"}
    query = {"account": "alice", "tag": "team:games"}
    page = jobs.send("GET", path, headers=headers, query=query).json
    assert [job["prompt"] for job in page["data"]] == ["three"]
    absent = jobs.send("GET", path, headers=headers, query={"account": "absent"}).json
    assert absent["data"] == []
    assert_problem(jobs.send("GET", path, headers=headers), 400, "account")
    assert_problem(jobs.send("GET", path, query=query), 403, code="missing_scope")


def test_list_of_another_account_is_empty(jobs: NativeCaller):
    other = {"authorization": f"Bearer {jobs.other_accounts_key}"}
    assert jobs.send("GET", JOBS, headers=other).json == {"data": [], "next_cursor": None}
