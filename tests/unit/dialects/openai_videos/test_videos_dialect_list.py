"""Tests of the list call and its cursors."""

from typing import Any

import pytest

from tests.unit.dialects.api_client import BIFROST, OPENAI, Caller, assert_refused, cases


def listing(caller: Caller, base: str, **query: str) -> Any:
    reply = caller.call("GET", base, query={"provider": "sandbox", **query})
    assert reply.status == 200, reply
    return reply.json


def ids(page: Any) -> list[str]:
    return [video["id"].partition(":")[0] for video in page["data"]]


@pytest.fixture
def job_ids(caller: Caller) -> list[str]:
    """Five jobs, the oldest first."""
    job_ids = []
    for _ in range(5):
        caller.clock.advance(1)
        job_ids.append(caller.create().json["id"])
    return job_ids


def test_list_is_newest_first_by_default(caller: Caller, base: str, job_ids: list[str]):
    assert ids(listing(caller, base)) == job_ids[::-1]
    assert ids(listing(caller, base, order="desc")) == job_ids[::-1]
    assert ids(listing(caller, base, order="asc")) == job_ids


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_list_pages_cover_every_job(caller: Caller, base: str, job_ids: list[str], order: str):
    found: list[str] = []
    page = listing(caller, base, limit="2", order=order)
    while True:
        found += ids(page)
        first, last = page["data"][0]["id"], page["data"][-1]["id"]
        assert (page["first_id"], page["last_id"]) == (first, last)
        if not page["has_more"]:
            break
        page = listing(caller, base, limit="2", order=order, after=page["last_id"])
    assert found == (job_ids if order == "asc" else job_ids[::-1])


@pytest.mark.parametrize("suffix", ["", ":sandbox", "%3Asandbox"])
def test_list_cursor_may_name_its_provider(
    caller: Caller, base: str, job_ids: list[str], suffix: str
):
    assert ids(listing(caller, base, after=job_ids[1] + suffix)) == [job_ids[0]]


def test_list_accepts_deleted_job_as_cursor(caller: Caller, base: str, job_ids: list[str]):
    caller.call("DELETE", f"{base}/{job_ids[2]}")
    assert ids(listing(caller, base, after=job_ids[2])) == [job_ids[1], job_ids[0]]


def test_openai_list_has_every_provider_or_the_requested_one(caller: Caller):
    caller.create(model="openai/plain")
    job_id = caller.create().json["id"]
    assert len(caller.call("GET", OPENAI).json["data"]) == 2
    assert ids(listing(caller, OPENAI)) == [job_id]


def test_list_limit_0_is_valid_in_openai_only(caller: Caller, job_ids: list[str]):
    assert job_ids
    assert listing(caller, OPENAI, limit="0")["data"] == []
    reply = caller.call("GET", BIFROST, query={"provider": "sandbox", "limit": "0"})
    assert_refused(reply, BIFROST, 400, param="limit")


INVALID = {
    "limit": ["101", "-1", "x", "", "2,3", "1.5", "9" * 5000],
    "order": ["up", "asc\n", ""],
    "after": ["job_unknown", "a/b", "\ud800", "x" * 5000],
    "provider": ["nobody", "x" * 5000],
}


@pytest.mark.parametrize(("name", "value"), cases(INVALID))
def test_list_refuses_invalid_parameter_by_name(caller: Caller, base: str, name: str, value: str):
    reply = caller.call("GET", base, query={"provider": "sandbox", name: value})
    assert_refused(reply, base, 400, param=name)


@pytest.mark.parametrize("query", [None, {"provider": ""}])
def test_bifrost_list_requires_provider(caller: Caller, query: dict[str, str] | None):
    reply = caller.call("GET", BIFROST, query=query)
    assert_refused(reply, BIFROST, 400, param="provider")
    assert reply.json["error"]["message"].startswith("provider query parameter is required")


def test_list_cursor_of_another_account_is_unknown(caller: Caller, base: str):
    mine = caller.create().json["id"]
    caller.key = caller.other_accounts_key
    queries = [{"provider": "sandbox", "after": after} for after in (mine, "job_absent")]
    replies = [caller.call("GET", base, query=query) for query in queries]
    assert replies[0].status == 400
    assert replies[0].text.replace(mine, "job_absent") == replies[1].text
