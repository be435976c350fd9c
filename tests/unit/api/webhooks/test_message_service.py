"""The log of deliveries, sending again, and trying out: through the API, on a virtual clock."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from openai.types.webhooks.webhook_endpoint_test_result import WebhookEndpointTestResult

from rushes.api.webhooks import message_service
from rushes.errors import UpstreamUnreachable
from rushes.jobs.request import WebhookTarget
from rushes.ports import HttpReply
from tests.unit.webhooks.client import URL, Client, refused
from tests.unit.webhooks.fakes import FakeNotifier
from tests.unit.webhooks.harness import DAY, HOUR, START, event, job

ENDPOINTS = "webhook_endpoints"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    return Client(monkeypatch)


def answers(client: Client, *given: HttpReply | Exception | int) -> FakeNotifier:
    client.harness.notifier = FakeNotifier(*given)
    return client.harness.notifier


def told(client: Client, job_id: str, event_type: str = "job.completed") -> str:
    """Let an event happen now, and give its id."""
    said = event(event_type, job_id, client.harness.clock())
    client.harness.fanout.take(said)
    client.harness.run(1)
    return str(said["id"])


def attempts(client: Client, endpoint_id: str, **query: str) -> Any:
    return client.get(f"{ENDPOINTS}/{endpoint_id}/attempts", **query).json


def resend(client: Client, endpoint_id: str, **asked: Any) -> Any:
    reply = client.post(f"{ENDPOINTS}/{endpoint_id}/resend", asked)
    assert reply.status == 200, reply
    client.harness.run(1)
    return reply.json


def test_the_log_tells_each_attempt(client: Client):
    made = client.made(name="gallery")
    answers(client, HttpReply(500, {}, b"broken"), HttpReply(200, {}, b"thanks"))
    message_id = told(client, "job_1")
    client.harness.run(10)
    page = attempts(client, made["id"])
    assert (page["first_id"], page["has_more"]) == (message_id, False)
    delivery = page["data"][0]
    tries = delivery.pop("attempts")
    assert delivery == {
        "object": "webhook_delivery",
        "message_id": message_id,
        "webhook_endpoint_id": made["id"],
        "url": URL,
        "format": "rushes",
        "event_type": "job.completed",
        "status": "delivered",
        "created_at": int(START),
        "next_attempt_at": None,
    }
    told_of = [
        (it["number"], it["status_code"], it["response_excerpt"], it["kind"]) for it in tries
    ]
    assert told_of == [(1, 500, "broken", "scheduled"), (2, 200, "thanks", "scheduled")]
    assert tries[1]["attempted_at"] >= tries[0]["attempted_at"] + 4
    assert {"object", "error", "latency_ms"} <= tries[0].keys()


def test_what_is_still_to_be_tried_says_when(client: Client):
    made = client.made()
    answers(client, 500)
    told(client, "job_1")
    delivery = attempts(client, made["id"])["data"][0]
    assert delivery["status"] == "pending"
    assert int(START) < delivery["next_attempt_at"] <= int(START) + 7


def test_the_log_is_paged_newest_first(client: Client):
    made = client.made()
    ids = [told(client, f"job_{n}") for n in range(7)]
    seen: list[str] = []
    query: dict[str, str] = {"limit": "3"}
    while True:
        page = attempts(client, made["id"], **query)
        seen += [it["message_id"] for it in page["data"]]
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert seen == ids[::-1]
    refused(client.get(f"{ENDPOINTS}/{made['id']}/attempts", after="evt_x"), "after")


def test_a_message_shows_everybody_whom_it_goes_to(client: Client):
    made, thin = client.made(), client.made(format="openai")
    client.harness.jobs.add(job(WebhookTarget(url="https://once.example/", format="fal")))
    message_id = told(client, "job_1")
    shown = client.get(f"webhook_messages/{message_id}").json
    assert (shown["id"], shown["object"]) == (message_id, "webhook_message")
    assert shown["event"]["type"] == "job.completed"
    to = {it["webhook_endpoint_id"]: it for it in shown["deliveries"]}
    assert to.keys() == {made["id"], thin["id"], None}
    assert to[thin["id"]]["event_type"] == "video.completed"
    assert (to[None]["url"], to[None]["format"]) == ("https://once.example/", "fal")
    assert {it["status"] for it in shown["deliveries"]} == {"delivered"}
    client.call("DELETE", f"{ENDPOINTS}/{made['id']}")
    again = client.get(f"webhook_messages/{message_id}").json
    assert {it["webhook_endpoint_id"]: it["url"] for it in again["deliveries"]}[made["id"]] is None


@pytest.mark.parametrize("rest", ["", "/resend"])
def test_a_strangers_message_is_as_absent_as_one_that_never_was(client: Client, rest: str):
    client.made()
    message_id = told(client, "job_1")
    method, key = (
        ("POST" if rest else "GET"),
        {"authorization": f"Bearer {client.other_accounts_key}"},
    )
    foreign = client.call(method, f"webhook_messages/{message_id}{rest}", None, key)
    absent = client.call(method, f"webhook_messages/evt_0{rest}")
    for reply in (foreign, absent):
        refused(reply, "message_id", 404)
    assert foreign.text.replace(message_id, "evt_0") == absent.text


def test_one_message_is_sent_again(client: Client):
    made = client.made()
    posts = answers(client, 200).posts
    first, _ = told(client, "job_1"), told(client, "job_2")
    assert resend(client, made["id"], message_id=first) == {
        "webhook_endpoint_id": made["id"],
        "object": "webhook_resend",
        "resent": 1,
        "has_more": False,
        "last_id": None,
    }
    ids = [post.headers["webhook-id"] for post in posts]
    assert ids.count(first) == 2
    assert len(ids) == 3
    kinds = [it["kind"] for it in attempts(client, made["id"])["data"][1]["attempts"]]
    assert kinds == ["scheduled", "manual"]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (-1, None, "01234"), (1, None, "1234"), (2.5, None, "34"), (9, None, ""),
        (0, 3, "012"), (1, 2, "1"), (3, 1, ""), (-9, 0, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["a number", "text"])
def test_a_range_is_sent_again(
    client: Client, since: float, until: float | None, expected: str, form: str
):
    made = client.made()
    for n in range(5):
        client.harness.clock.now = START + n * HOUR
        told(client, f"job_{n}")
    posts = answers(client, 200).posts
    bounds = {"since": since, "until": until}

    def written(hours: float) -> object:
        moment = START + hours * HOUR
        return datetime.fromtimestamp(moment, UTC).isoformat() if form == "text" else moment

    asked = {name: written(it) for name, it in bounds.items() if it is not None}
    resent = resend(client, made["id"], **asked)
    assert (resent["resent"], resent["has_more"]) == (len(expected), False)
    jobs = {post.headers["webhook-id"].split("_")[2] for post in posts}
    assert jobs == set(expected)


def test_a_range_that_is_too_long_goes_on_where_it_broke_off(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(message_service, "MOST_RESENT", 3)
    monkeypatch.setattr(message_service, "PAGE", 2)
    made = client.made()
    ids = {told(client, f"job_{n}") for n in range(8)}
    posts = answers(client, 200).posts
    counts, asked = [], {"since": START - 1}
    while True:
        resent = resend(client, made["id"], **asked)
        counts.append(resent["resent"])
        if not resent["has_more"]:
            break
        asked["after"] = resent["last_id"]
    assert counts == [3, 3, 2]
    assert sorted(post.headers["webhook-id"] for post in posts) == sorted(ids)


def test_what_had_failed_for_good_arrives_after_all(client: Client):
    made = client.made()
    answers(client, 500)
    message_id = told(client, "job_1")
    client.harness.run(4 * DAY)
    assert attempts(client, made["id"])["data"][0]["status"] == "failed"
    answers(client, 200)
    resend(client, made["id"], since=START - 1)
    delivery = attempts(client, made["id"])["data"][0]
    assert (delivery["message_id"], delivery["status"]) == (message_id, "delivered")
    assert [it["kind"] for it in delivery["attempts"]] == ["scheduled"] * 10 + ["manual"]


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({}, "message_id"),
        ({"until": START}, "message_id"),
        ({"message_id": "evt_1", "since": START}, "message_id"),
        ({"message_id": "evt_1", "until": START}, "message_id"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-01T00:00:00"}, "since"),
        ({"since": START, "after": "evt_x"}, "after"),
        ({"since": START, "status": "failed"}, "status"),
    ],
)
def test_what_cannot_be_sent_again_is_refused_by_name(
    client: Client, asked: dict[str, Any], param: str
):
    made = client.made()
    refused(client.post(f"{ENDPOINTS}/{made['id']}/resend", asked), param)
    unknown = client.post(f"{ENDPOINTS}/{made['id']}/resend", {"message_id": "evt_x"})
    refused(unknown, "message_id", 404)


def test_a_message_is_sent_again_to_everybody_who_still_listens(client: Client):
    made, off, gone = client.made(), client.made(), client.made()
    client.harness.jobs.add(job(WebhookTarget(url="https://once.example/", format="fal")))
    message_id = told(client, "job_1")
    client.post(f"{ENDPOINTS}/{off['id']}", {"status": "disabled"})
    client.call("DELETE", f"{ENDPOINTS}/{gone['id']}")
    posts = answers(client, 200).posts
    reply = client.post(f"webhook_messages/{message_id}/resend")
    client.harness.run(1)
    assert (reply.json["message_id"], reply.json["resent"]) == (message_id, 2)
    assert {post.url for post in posts} == {made["url"], "https://once.example/"}
    refused(client.post(f"webhook_messages/{message_id}/resend", {"to": "x"}), "to")


@pytest.mark.parametrize(
    ("form", "asked", "sent", "told_as"),
    [
        ("rushes", None, "webhook.test", "webhook.test"),
        ("rushes", "webhook.test", "webhook.test", "webhook.test"),
        ("rushes", "job.started", "job.started", "job.started"),
        ("openai", None, "job.completed", "video.completed"),
        ("openai", "video.failed", "job.failed", "video.failed"),
        ("openai", "job.cancelled", "job.cancelled", "video.failed"),
        ("fal", None, "job.completed", "job.completed"),
        ("pipelet", "job.started", "job.started", "job.started"),
    ],
)
def test_a_test_is_sent_at_once_and_its_answer_told(
    client: Client, form: str, asked: str | None, sent: str, told_as: str
):
    made = client.made(format=form)
    posts = answers(client, 204).posts
    reply = client.post(f"{ENDPOINTS}/{made['id']}/test", {"event_type": asked} if asked else None)
    assert reply.status == 200, reply
    WebhookEndpointTestResult.model_validate(reply.json, strict=True)
    message_id = reply.json.pop("message_id")
    assert (reply.json["status_code"], reply.json["event_type"]) == (204, told_as)
    assert [post.headers["webhook-id"] for post in posts] == [message_id]
    stored = client.harness.deliveries.get("one", message_id, made["id"])
    assert stored
    assert stored.event["type"] == sent
    assert stored.event["data"]["account"] == "one"


def test_two_tests_are_two_messages(client: Client):
    made = client.made()
    ids = {client.post(f"{ENDPOINTS}/{made['id']}/test").json["message_id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_test_tells_why_there_was_no_answer(client: Client):
    made = client.made()
    answers(client, UpstreamUnreachable("nobody there", code="refused"))
    told_of = client.post(f"{ENDPOINTS}/{made['id']}/test").json
    assert (told_of["success"], told_of["status_code"]) == (False, None)
    assert told_of["error"] == "refused"


def test_a_test_does_not_wait_for_ever(client: Client, monkeypatch: pytest.MonkeyPatch):
    made = client.made()
    monkeypatch.setattr(client.harness, "_work", lambda: None)
    told_of = client.post(f"{ENDPOINTS}/{made['id']}/test").json
    assert (told_of["success"], told_of["error"]) == (False, "not_attempted_yet")
    assert client.harness.clock() - START < message_service.TEST_SECONDS + 1


@pytest.mark.parametrize(
    ("form", "event_type"),
    [("rushes", "video.completed"), ("rushes", "job.lost"), ("openai", "webhook.test"),
     ("openai", "job.started"), ("fal", "job.started"), ("rushes", "endpoint.disabled")],
)  # fmt: skip
def test_what_a_format_has_no_words_for_is_not_sent(client: Client, form: str, event_type: str):
    made = client.made(format=form)
    refused(client.post(f"{ENDPOINTS}/{made['id']}/test", {"event_type": event_type}), "event_type")
    assert client.harness.deliveries.everything() == []


@pytest.mark.parametrize("rest", ["test", "resend"])
def test_nothing_is_sent_to_a_disabled_endpoint(client: Client, rest: str):
    made = client.made()
    told(client, "job_1")
    client.post(f"{ENDPOINTS}/{made['id']}", {"status": "disabled"})
    body = {"since": START - 1} if rest == "resend" else None
    reply = client.post(f"{ENDPOINTS}/{made['id']}/{rest}", body)
    refused(reply, None)
    assert reply.code == "endpoint_disabled"
    client.post(f"{ENDPOINTS}/{made['id']}", {"status": "enabled"})
    assert client.post(f"{ENDPOINTS}/{made['id']}/{rest}", body).status == 200


def test_an_endpoint_hears_of_another_one_that_was_given_up(client: Client):
    watch = client.made(event_types=["endpoint.disabled"])
    failing = client.made(url="https://hooks.example/gone", event_types=["job.completed"])
    answers(client, 410)
    told(client, "job_1")
    shown = client.get(f"{ENDPOINTS}/{failing['id']}").json
    assert shown["status"] == "disabled"
    assert shown["disabled_reason"]
    notice = client.harness.bus.events[0]
    assert notice["type"] == "endpoint.disabled"
    assert notice["data"]["id"] == failing["id"]
    answers(client, 200)
    client.harness.fanout.take(dict(notice))
    client.harness.run(1)
    assert attempts(client, watch["id"])["data"][0]["event_type"] == "endpoint.disabled"


def test_tests_are_not_among_what_was_missed(client: Client):
    made = client.made()
    tested = client.post(f"{ENDPOINTS}/{made['id']}/test").json["message_id"]
    first = told(client, "job_1")
    posts = answers(client, 200).posts
    assert resend(client, made["id"], since=START - 1)["resent"] == 1
    assert [post.headers["webhook-id"] for post in posts] == [first]
    assert resend(client, made["id"], message_id=tested)["resent"] == 1


@pytest.mark.parametrize("body", [b"\x00" * 4000, b'"' * 4000, b"\xff" * 4000, b"\\" * 4000])
def test_a_page_of_the_log_fits_into_an_answer(client: Client, body: bytes):
    made = client.made()
    answers(client, HttpReply(500, {}, body))
    ids = [told(client, f"job_{number}") for number in range(100)]
    for number in range(100):
        message = f"evt_job_{number}_completed"
        client.harness.deliveries.change(
            "one", message, made["id"], lambda it: it._step(START, attempts=it.attempts[:1] * 30)
        )
    seen: list[str] = []
    query = {"limit": "100"}
    while True:
        reply = client.get(f"{ENDPOINTS}/{made['id']}/attempts", **query)
        assert len(json.dumps({"body": reply.text})) < 6_000_000
        assert "\\u0000" not in reply.text
        seen += [it["message_id"] for it in reply.json["data"]]
        if not reply.json["has_more"]:
            break
        query["after"] = reply.json["last_id"]
    assert sorted(seen) == sorted(ids)
    assert len(seen) == 100
