"""Tests of messages, attempts, resend and test through the API, on a virtual clock."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from openai.types.webhooks.webhook_endpoint_test_result import WebhookEndpointTestResult

from rushes.api.webhooks import message_service
from rushes.errors import UpstreamUnreachable
from rushes.jobs.request import WebhookTarget
from rushes.ports.http import HttpReply
from tests.unit.webhooks.client import Client, assert_refused, path
from tests.unit.webhooks.fakes import FakeWebhookClient
from tests.unit.webhooks.harness import DAY, HOUR, START, URL, event, job


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    return Client(monkeypatch)


def answers(client: Client, *given: HttpReply | Exception | int) -> FakeWebhookClient:
    client.harness.http_client = FakeWebhookClient(*given)
    return client.harness.http_client


def publish(client: Client, job_id: str, event_type: str = "job.completed") -> str:
    """Publish an event now and return its id."""
    happened = event(event_type, job_id, client.harness.clock())
    client.harness.fanout.run(happened)
    client.harness.run(1)
    return str(happened["id"])


def newest(client: Client, made: dict[str, Any]) -> Any:
    """Return the newest delivery of an endpoint."""
    return client.get(path(made, "/attempts")).json["data"][0]


def resend(client: Client, made: dict[str, Any], **body: Any) -> Any:
    reply = client.post(path(made, "/resend"), body)
    assert reply.status == 200, reply
    client.harness.run(1)
    return reply.json


def test_attempts_lists_each_attempt(client: Client):
    made = client.create_endpoint(name="gallery")
    answers(client, HttpReply(500, {}, b"broken"), HttpReply(200, {}, b"thanks"))
    message_id = publish(client, "job_1")
    client.harness.run(10)
    page = client.get(path(made, "/attempts")).json
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
    members = ("number", "status_code", "response_excerpt", "kind")
    assert [tuple(attempt[name] for name in members) for attempt in tries] == [
        (1, 500, "broken", "scheduled"),
        (2, 200, "thanks", "scheduled"),
    ]
    assert tries[1]["attempted_at"] >= tries[0]["attempted_at"] + 4
    assert {"object", "error", "latency_ms"} <= tries[0].keys()


def test_attempts_shows_the_next_attempt_of_a_pending_delivery(client: Client):
    made = client.create_endpoint()
    answers(client, 500)
    publish(client, "job_1")
    delivery = newest(client, made)
    assert delivery["status"] == "pending"
    assert int(START) < delivery["next_attempt_at"] <= int(START) + 7


def test_attempts_pages_newest_first(client: Client):
    made = client.create_endpoint()
    ids = [publish(client, f"job_{n}") for n in range(7)]
    pages = client.pages(path(made, "/attempts"), limit="3")
    assert [entry["message_id"] for page in pages for entry in page.json["data"]] == ids[::-1]
    assert_refused(client.get(path(made, "/attempts"), after="evt_x"), "after")


def test_message_lists_all_deliveries(client: Client):
    made, thin = client.create_endpoint(), client.create_endpoint(format="openai")
    client.harness.jobs.add(job(WebhookTarget(url="https://once.example/", format="fal")))
    message_id = publish(client, "job_1")
    shown = client.get(f"webhook_messages/{message_id}").json
    assert (shown["id"], shown["object"]) == (message_id, "webhook_message")
    assert shown["event"]["type"] == "job.completed"
    to = {delivery["webhook_endpoint_id"]: delivery for delivery in shown["deliveries"]}
    assert to.keys() == {made["id"], thin["id"], None}
    assert to[thin["id"]]["event_type"] == "video.completed"
    assert (to[None]["url"], to[None]["format"]) == ("https://once.example/", "fal")
    assert {delivery["status"] for delivery in shown["deliveries"]} == {"delivered"}
    client.call("DELETE", path(made))
    again = client.get(f"webhook_messages/{message_id}").json
    urls = {one["webhook_endpoint_id"]: one["url"] for one in again["deliveries"]}
    assert urls[made["id"]] is None


@pytest.mark.parametrize("rest", ["", "/resend"])
def test_message_of_another_account_is_answered_like_an_unknown_one(client: Client, rest: str):
    client.create_endpoint()
    message_id = publish(client, "job_1")
    method, where = "POST" if rest else "GET", f"webhook_messages/{message_id}{rest}"
    foreign = client.call(method, where, None, client.other_account)
    absent = client.call(method, f"webhook_messages/evt_0{rest}")
    for reply in (foreign, absent):
        assert_refused(reply, "message_id", 404)
    assert foreign.text.replace(message_id, "evt_0") == absent.text


def test_resend_sends_one_message(client: Client):
    made = client.create_endpoint()
    posts = answers(client, 200).posts
    first, _ = publish(client, "job_1"), publish(client, "job_2")
    assert resend(client, made, message_id=first) == {
        "webhook_endpoint_id": made["id"],
        "object": "webhook_resend",
        "resent": 1,
        "has_more": False,
        "last_id": None,
    }
    ids = [post.headers["webhook-id"] for post in posts]
    assert ids.count(first) == 2
    assert len(ids) == 3
    delivery = client.get(path(made, "/attempts")).json["data"][1]
    assert [attempt["kind"] for attempt in delivery["attempts"]] == ["scheduled", "manual"]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (-1, None, "01234"), (1, None, "1234"), (2.5, None, "34"), (9, None, ""),
        (0, 3, "012"), (1, 2, "1"), (3, 1, ""), (-9, 0, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["a number", "text"])
def test_resend_sends_a_time_range(
    client: Client, since: float, until: float | None, expected: str, form: str
):
    made = client.create_endpoint()
    for n in range(5):
        client.harness.clock.now = START + n * HOUR
        publish(client, f"job_{n}")
    posts = answers(client, 200).posts
    bounds = {"since": since, "until": until}

    def moment_of(hours: float) -> object:
        moment = START + hours * HOUR
        return datetime.fromtimestamp(moment, UTC).isoformat() if form == "text" else moment

    body = {name: moment_of(hours) for name, hours in bounds.items() if hours is not None}
    resent = resend(client, made, **body)
    assert (resent["resent"], resent["has_more"]) == (len(expected), False)
    jobs = {post.headers["webhook-id"].split("_")[2] for post in posts}
    assert jobs == set(expected)


def test_resend_continues_a_long_range_with_after(client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(message_service, "MAX_RESENT", 3)
    monkeypatch.setattr(message_service, "PAGE", 2)
    made = client.create_endpoint()
    ids = {publish(client, f"job_{n}") for n in range(8)}
    posts = answers(client, 200).posts
    counts, body = [], {"since": START - 1}
    while True:
        resent = resend(client, made, **body)
        counts.append(resent["resent"])
        if not resent["has_more"]:
            break
        body["after"] = resent["last_id"]
    assert counts == [3, 3, 2]
    assert sorted(post.headers["webhook-id"] for post in posts) == sorted(ids)


def test_resend_delivers_a_failed_message(client: Client):
    made = client.create_endpoint()
    answers(client, 500)
    message_id = publish(client, "job_1")
    client.harness.run(4 * DAY)
    assert newest(client, made)["status"] == "failed"
    answers(client, 200)
    resend(client, made, since=START - 1)
    delivery = newest(client, made)
    assert (delivery["message_id"], delivery["status"]) == (message_id, "delivered")
    assert [attempt["kind"] for attempt in delivery["attempts"]] == ["scheduled"] * 10 + ["manual"]


@pytest.mark.parametrize(
    ("body", "param"),
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
def test_resend_refuses_invalid_fields_by_name(client: Client, body: dict[str, Any], param: str):
    made = client.create_endpoint()
    assert_refused(client.post(path(made, "/resend"), body), param)
    unknown = client.post(path(made, "/resend"), {"message_id": "evt_x"})
    assert_refused(unknown, "message_id", 404)


def test_resend_message_skips_disabled_and_deleted_endpoints(client: Client):
    made, off, gone = client.create_endpoint(), client.create_endpoint(), client.create_endpoint()
    client.harness.jobs.add(job(WebhookTarget(url="https://once.example/", format="fal")))
    message_id = publish(client, "job_1")
    client.post(path(off), {"status": "disabled"})
    client.call("DELETE", path(gone))
    posts = answers(client, 200).posts
    reply = client.post(f"webhook_messages/{message_id}/resend")
    client.harness.run(1)
    assert (reply.json["message_id"], reply.json["resent"]) == (message_id, 2)
    assert {post.url for post in posts} == {made["url"], "https://once.example/"}
    assert_refused(client.post(f"webhook_messages/{message_id}/resend", {"to": "x"}), "to")


@pytest.mark.parametrize(
    ("form", "requested", "sent", "shown"),
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
def test_test_returns_the_receivers_response(
    client: Client, form: str, requested: str | None, sent: str, shown: str
):
    made = client.create_endpoint(format=form)
    posts = answers(client, 204).posts
    body = {"event_type": requested} if requested else None
    reply = client.post(path(made, "/test"), body)
    assert reply.status == 200, reply
    WebhookEndpointTestResult.model_validate(reply.json, strict=True)
    message_id = reply.json.pop("message_id")
    assert (reply.json["status_code"], reply.json["event_type"]) == (204, shown)
    assert [post.headers["webhook-id"] for post in posts] == [message_id]
    stored = client.harness.deliveries.get("one", message_id, made["id"])
    assert stored
    assert stored.event["type"] == sent
    assert stored.event["data"]["account"] == "one"


def test_test_creates_a_new_message_each_time(client: Client):
    made = client.create_endpoint()
    ids = {client.post(path(made, "/test")).json["message_id"] for _ in range(2)}
    assert len(ids) == 2


def test_test_returns_the_connection_error(client: Client):
    made = client.create_endpoint()
    answers(client, UpstreamUnreachable("no listener", code="refused"))
    result = client.post(path(made, "/test")).json
    assert (result["success"], result["status_code"]) == (False, None)
    assert result["error"] == "refused"


def test_test_stops_waiting_after_its_time_limit(client: Client, monkeypatch: pytest.MonkeyPatch):
    made = client.create_endpoint()
    monkeypatch.setattr(client.harness, "handle_queued", lambda: None)
    result = client.post(path(made, "/test")).json
    assert (result["success"], result["error"]) == (False, "not_attempted_yet")
    assert client.harness.clock() - START < message_service.TEST_SECONDS + 1


@pytest.mark.parametrize(
    ("form", "event_type"),
    [("rushes", "video.completed"), ("rushes", "job.lost"), ("openai", "webhook.test"),
     ("openai", "job.started"), ("fal", "job.started"), ("rushes", "endpoint.disabled")],
)  # fmt: skip
def test_test_refuses_an_event_type_that_the_format_does_not_support(
    client: Client, form: str, event_type: str
):
    made = client.create_endpoint(format=form)
    assert_refused(client.post(path(made, "/test"), {"event_type": event_type}), "event_type")
    assert client.harness.deliveries.all() == []


@pytest.mark.parametrize("rest", ["/test", "/resend"])
def test_test_and_resend_refuse_a_disabled_endpoint(client: Client, rest: str):
    made = client.create_endpoint()
    publish(client, "job_1")
    client.post(path(made), {"status": "disabled"})
    body = {"since": START - 1} if rest == "/resend" else None
    reply = client.post(path(made, rest), body)
    assert_refused(reply, None, code="endpoint_disabled")
    client.post(path(made), {"status": "enabled"})
    assert client.post(path(made, rest), body).status == 200


def test_endpoint_disabled_event_is_delivered_to_other_endpoints(client: Client):
    watch = client.create_endpoint(event_types=["endpoint.disabled"])
    failing = client.create_endpoint(url=f"{URL}/gone", event_types=["job.completed"])
    answers(client, 410)
    publish(client, "job_1")
    shown = client.get(path(failing)).json
    assert shown["status"] == "disabled"
    assert shown["disabled_reason"]
    published = client.harness.bus.events[0]
    assert published["type"] == "endpoint.disabled"
    assert published["data"]["id"] == failing["id"]
    answers(client, 200)
    client.harness.fanout.run(dict(published))
    client.harness.run(1)
    assert newest(client, watch)["event_type"] == "endpoint.disabled"


def test_resend_of_a_range_leaves_out_tests(client: Client):
    made = client.create_endpoint()
    tested = client.post(path(made, "/test")).json["message_id"]
    first = publish(client, "job_1")
    posts = answers(client, 200).posts
    assert resend(client, made, since=START - 1)["resent"] == 1
    assert [post.headers["webhook-id"] for post in posts] == [first]
    assert resend(client, made, message_id=tested)["resent"] == 1


def test_resend_of_a_range_reads_a_bounded_number_of_tests(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    """An account can send any number of tests; a call has 30 seconds."""
    monkeypatch.setattr(message_service, "PAGE", 2)
    monkeypatch.setattr(message_service, "MAX_READ", 3)
    made = client.create_endpoint()
    first = publish(client, "job_1")
    tests = [client.post(path(made, "/test")).json["message_id"] for _ in range(7)]
    posts = answers(client, 200).posts
    resent, after = [], None
    for _ in range(3):
        body = {"since": START - 1, **({"after": after} if after else {})}
        resent.append(resend(client, made, **body))
        after = resent[-1]["last_id"]
    assert [answer["resent"] for answer in resent] == [0, 0, 1]
    assert [answer["last_id"] for answer in resent] == [tests[4], tests[1], None]
    assert [answer["has_more"] for answer in resent] == [True, True, False]
    assert [post.headers["webhook-id"] for post in posts] == [first]


def test_message_with_many_deliveries_fits_into_a_lambda_response(client: Client):
    for number in range(100):
        client.create_endpoint(url=f"{URL}/{number}")
    answers(client, HttpReply(500, {}, b"\xff" * 4000))
    message_id = publish(client, "job_1")
    assert client.get(f"webhook_messages/{message_id}").json["has_more"] is False
    for stored in client.harness.deliveries.all():
        client.harness.deliveries.change(
            "one",
            message_id,
            stored.receiver,
            lambda one: one._step(START, attempts=one.attempts * 30),
        )
    reply = client.get(f"webhook_messages/{message_id}")
    assert len(json.dumps({"body": reply.text})) < 6_000_000
    assert reply.json["has_more"] is True
    assert 0 < len(reply.json["deliveries"]) < 100


@pytest.mark.parametrize("body", [b"\x00" * 4000, b'"' * 4000, b"\xff" * 4000, b"\\" * 4000])
def test_attempts_page_fits_into_a_lambda_response(client: Client, body: bytes):
    made = client.create_endpoint()
    answers(client, HttpReply(500, {}, body))
    ids = [publish(client, f"job_{number}") for number in range(100)]
    for number in range(100):
        message = f"evt_job_{number}_completed"
        client.harness.deliveries.change(
            "one", message, made["id"], lambda one: one._step(START, attempts=one.attempts[:1] * 30)
        )
    seen: list[str] = []
    for reply in client.pages(path(made, "/attempts"), limit="100"):
        assert len(json.dumps({"body": reply.text})) < 6_000_000
        assert "\\u0000" not in reply.text
        seen += [entry["message_id"] for entry in reply.json["data"]]
    assert sorted(seen) == sorted(ids)
    assert len(seen) == 100
