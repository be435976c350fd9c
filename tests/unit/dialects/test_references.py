"""Ids as clients write them, lists, cursors and variants."""

from typing import Any

import pytest

from rushes.dialects.references import read_reference
from rushes.errors import InvalidRequest, NotFound
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import ACCOUNT, BIFROST, OPENAI, Caller, assert_refused


@pytest.mark.parametrize(
    ("written", "job_id", "provider"),
    [
        ("job_1", "job_1", None),
        ("job_1:sandbox", "job_1", "sandbox"),
        ("job_1%3Asandbox", "job_1", "sandbox"),
        ("job_1%3asandbox", "job_1", "sandbox"),
        ("job%5F1:san%64box", "job_1", "sandbox"),
        ("job_1:a:b", "job_1", "a:b"),
        ("a" * 128, "a" * 128, None),
    ],
)
def test_an_id_may_name_its_provider_and_be_escaped(
    written: str, job_id: str, provider: str | None
):
    reference = read_reference(written)
    assert (reference.job_id, reference.provider) == (job_id, provider)


@pytest.mark.parametrize(
    "written",
    [
        "", ":", ":sandbox", "a/b", "a%2Fb", "..%2Fx", "a%253Asandbox", "a b", "a+b", "a\n",
        "a%0A", "a%00", "a#b", "%", "%ff", "a" * 129, "\u0661", "\U0001f600", "job_1%",
    ],
)  # fmt: skip
def test_what_cannot_be_an_id_is_not_found(written: str):
    with pytest.raises(NotFound):
        read_reference(written)


def test_a_colon_without_a_provider_is_refused():
    with pytest.raises(InvalidRequest):
        read_reference("job_1:")


@pytest.mark.parametrize("suffix", ["", ":sandbox", "%3Asandbox"])
def test_a_job_is_found_with_and_without_its_provider(caller: Caller, base: str, suffix: str):
    job_id = caller.ended(JobStatus.COMPLETED)
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/content", None),
        ("POST", "/remix", {"prompt": "x"}),
        ("DELETE", "", None),
    ):
        reply = caller.call(method, f"{base}/{job_id}{suffix}{path}", body)
        assert reply.status in (200, 302)


def test_each_dialect_writes_ids_that_every_dialect_reads(caller: Caller):
    written = [caller.create(base).json["id"] for base in (BIFROST, OPENAI)]
    assert [":sandbox" in job_id for job_id in written] == [True, False]
    for job_id in written:
        for base in (BIFROST, OPENAI):
            assert caller.call("GET", f"{base}/{job_id}").status == 200


@pytest.mark.parametrize(("suffix", "status"), [(":nobody", 400), (":openai", 404), (":", 400)])
def test_a_job_is_not_found_at_another_provider(
    caller: Caller, base: str, suffix: str, status: int
):
    job_id = caller.ended(JobStatus.COMPLETED)
    before = caller.traces()
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/content", None),
        ("POST", "/remix", {"prompt": "x"}),
        ("DELETE", "", None),
    ):
        reply = caller.call(method, f"{base}/{job_id}{suffix}{path}", body)
        assert_refused(reply, base, status)
        assert reply.param == "video_id"
    edit = {"prompt": "x", "video": {"id": f"{job_id}{suffix}"}}
    assert_refused(caller.call("POST", f"{base}/edits", edit), base, status)
    assert caller.traces() == before


def listing(caller: Caller, base: str, **query: str) -> Any:
    reply = caller.call("GET", base, query={"provider": "sandbox", **query})
    assert reply.status == 200, reply
    return reply.json


def ids(page: Any) -> list[str]:
    return [video["id"].partition(":")[0] for video in page["data"]]


@pytest.fixture
def made(caller: Caller) -> list[str]:
    """Five jobs, the oldest first."""
    made = []
    for _ in range(5):
        caller.clock.advance(1)
        made.append(caller.create().json["id"])
    return made


def test_a_list_is_newest_first_unless_asked(caller: Caller, base: str, made: list[str]):
    assert ids(listing(caller, base)) == made[::-1]
    assert ids(listing(caller, base, order="desc")) == made[::-1]
    assert ids(listing(caller, base, order="asc")) == made


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_one_another_to_the_end(
    caller: Caller, base: str, made: list[str], order: str
):
    found: list[str] = []
    page = listing(caller, base, limit="2", order=order)
    while True:
        found += ids(page)
        assert (page["first_id"], page["last_id"]) == (
            page["data"][0]["id"],
            page["data"][-1]["id"],
        )
        if not page["has_more"]:
            break
        page = listing(caller, base, limit="2", order=order, after=page["last_id"])
    assert found == (made if order == "asc" else made[::-1])


@pytest.mark.parametrize("suffix", ["", ":sandbox", "%3Asandbox"])
def test_a_cursor_may_name_its_provider(caller: Caller, base: str, made: list[str], suffix: str):
    assert ids(listing(caller, base, after=made[1] + suffix)) == [made[0]]


def test_a_deleted_job_still_serves_as_a_cursor(caller: Caller, base: str, made: list[str]):
    caller.call("DELETE", f"{base}/{made[2]}")
    assert ids(listing(caller, base, after=made[2])) == [made[1], made[0]]


def test_an_openai_list_has_every_provider_and_may_be_narrowed(caller: Caller):
    caller.create(model="openai/plain")
    film = caller.create().json["id"]
    assert len(caller.call("GET", OPENAI).json["data"]) == 2
    assert ids(listing(caller, OPENAI)) == [film]


def test_a_list_of_none_is_legal_in_openai_only(caller: Caller, made: list[str]):
    assert made
    assert listing(caller, OPENAI, limit="0")["data"] == []
    reply = caller.call("GET", BIFROST, query={"provider": "sandbox", "limit": "0"})
    assert_refused(reply, BIFROST, 400)
    assert reply.param == "limit"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "2,3"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"order": "up"}, "order"),
        ({"order": "asc\n"}, "order"),
        ({"order": ""}, "order"),
        ({"after": "job_unknown"}, "after"),
        ({"after": "a/b"}, "after"),
        ({"after": "\ud800"}, "after"),
        ({"after": "x" * 5000}, "after"),
        ({"provider": "nobody"}, "provider"),
        ({"provider": "x" * 5000}, "provider"),
    ],
)
def test_a_wrong_question_is_refused_by_name(
    caller: Caller, base: str, query: dict[str, str], param: str
):
    reply = caller.call("GET", base, query={"provider": "sandbox", **query})
    assert_refused(reply, base, 400)
    assert reply.param == param


@pytest.mark.parametrize("query", [None, {"provider": ""}])
def test_bifrost_wants_the_provider_of_a_list(caller: Caller, query: dict[str, str] | None):
    reply = caller.call("GET", BIFROST, query=query)
    assert_refused(reply, BIFROST, 400)
    assert reply.param == "provider"
    assert reply.json["error"]["message"].startswith("provider query parameter is required")


def test_strangers_cursors_are_as_unknown_as_any(caller: Caller, base: str):
    mine = caller.create().json["id"]
    headers = {"authorization": f"Bearer {caller.other_accounts_key}"}
    replies = [
        caller.call("GET", base, headers=headers, query={"provider": "sandbox", "after": after})
        for after in (mine, "job_absent")
    ]
    assert replies[0].status == 400
    assert replies[0].text.replace(mine, "job_absent") == replies[1].text


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet", "sprite_sheet"])
def test_there_are_no_thumbnails(caller: Caller, base: str, variant: str):
    job_id = caller.ended(JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}/content", query={"variant": variant})
    assert_refused(reply, base, 404)
    assert (reply.code, reply.param) == ("variant_not_available", "variant")


@pytest.mark.parametrize("variant", ["", "Video", "audio", "video,thumbnail", "x" * 5000])
def test_other_variants_are_refused(caller: Caller, base: str, variant: str):
    job_id = caller.ended(JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}/content", query={"variant": variant})
    assert_refused(reply, base, 400)
    assert reply.param == "variant"


def test_the_film_is_the_variant_that_there_is(caller: Caller, base: str):
    job_id = caller.ended(JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}/content", query={"variant": "video"})
    assert reply.status == 302
    assert f"outputs/{ACCOUNT}/{job_id}/0.mp4" in reply.headers["location"]
