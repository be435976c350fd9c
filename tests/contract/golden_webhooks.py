"""Cases of the API for webhook endpoints, messages and secrets."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from rushes.errors import AwsUnavailable, UpstreamNoResponse
from rushes.ports.http import HttpReply
from tests.contract.golden_common import OTHER_KEY
from tests.contract.golden_jobs import MODEL, WEBHOOK
from tests.contract.golden_recorder import Recorder
from tests.contract.golden_session import Session, session
from tests.unit.dialects.api_client import ACCOUNT
from tests.unit.webhooks.fakes import FakeWebhookClient

PREFIXES = ("/v1", "/openai/v1")
URL = "https://hooks.example/in"
OWN_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PATHS: dict[str, tuple[str, ...]] = {
    "webhook_endpoints": ("GET", "POST"),
    "webhook_endpoints/we_x": ("GET", "POST", "DELETE"),
    "webhook_endpoints/we_x/rotate_secret": ("POST",),
    "webhook_endpoints/we_x/test": ("POST",),
    "webhook_endpoints/we_x/attempts": ("GET",),
    "webhook_endpoints/we_x/resend": ("POST",),
    "webhook_messages/evt_x": ("GET",),
    "webhook_messages/evt_x/resend": ("POST",),
    "webhook_secret": ("GET",),
    "webhook_secret/rotate": ("POST",),
    "webhook_event_types": ("GET",),
}
"""What there is, and by which methods."""
NEW_ENDPOINTS: dict[str, dict[str, Any]] = {
    "url only": {},
    "every field": {
        "name": "gallery",
        "event_types": ["job.failed", "job.completed"],
        "format": "rushes",
        "signing_secret": OWN_SECRET,
    },
    "all types": {"event_types": ["*", "job.failed"]},
    "every type": {
        "event_types": [
            "endpoint.disabled",
            "job.cancelled",
            "job.failed",
            "job.completed",
            "job.started",
        ]
    },
    "openai by its types": {"event_types": ["video.failed"]},
    "openai": {"format": "openai"},
    "fal": {"format": "fal"},
    "pipelet": {"format": "pipelet", "event_types": ["job.started"]},
    "pipelet, all": {"format": "pipelet"},
    "no url": {"url": ...},
    "url of null": {"url": None},
    "url of number": {"url": 5},
    "url http": {"url": "http://hooks.example/in"},
    "url private": {"url": "https://10.1.2.3/"},
    "url partly private": {"url": "https://mixed.example/"},
    "url unknown": {"url": "https://nowhere.example/"},
    "url with user": {"url": "https://me:x@hooks.example/"},
    "url with fragment": {"url": f"{URL}#part"},
    "url long": {"url": f"{URL}?{'x' * 2048}"},
    "no types": {"event_types": []},
    "unknown type": {"event_types": ["job.lost"]},
    "mixed types": {"event_types": ["job.completed", "video.completed"]},
    "type of other format": {"event_types": ["job.started"], "format": "fal"},
    "types of text": {"event_types": "job.completed"},
    "types of number": {"event_types": [5]},
    "many types": {"event_types": ["x"] * 51},
    "unknown format": {"format": "xml"},
    "long name": {"name": "x" * 201},
    "name of number": {"name": 5},
    "unknown field": {"description": "x"},
    "empty secret": {"signing_secret": ""},
    "secret without prefix": {"signing_secret": OWN_SECRET.removeprefix("whsec_")},
    "short secret": {"signing_secret": "whsec_" + base64.b64encode(bytes(23)).decode()},
}
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "name": {"name": "other"},
    "url": {"url": "https://hooks.example/other"},
    "types": {"event_types": ["job.completed"]},
    "format without its types": {"format": "openai"},
    "format and types": {"format": "openai", "event_types": ["video.completed"]},
    "format without a word": {"format": "fal", "event_types": ["job.started"]},
    "pause": {"status": "disabled"},
    "pause again": {"status": "disabled"},
    "enable": {"status": "enabled"},
    "unknown status": {"status": "paused"},
    "bad url": {"url": "https://127.0.0.1/"},
    "unknown field": {"secret": "x"},
    "no types": {"event_types": []},
}
ROTATIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "overlap": {"keep_old_secret_active_for_24_hours": True},
    "own secret": {"signing_secret": OWN_SECRET},
    "bad secret": {"signing_secret": "secret"},
    "unknown field": {"now": True},
}


def webhooks(record: Recorder) -> None:
    for prefix in PREFIXES:
        _endpoints(record, prefix)
        _messages(record, prefix)
        _request_secrets(record, prefix)
        _elsewhere(record, prefix)
    _invalid(record)
    _changes(record)
    _pages(record)
    _tests(record)
    _resends(record)
    _failing(record)
    _server_errors(record)


def job_event(
    name: str = "completed", job_id: str = "job_1", at: float = 1_800_000_000.0
) -> dict[str, Any]:
    """An event as it stands on the bus, with little in it."""
    return {
        "id": f"evt_{job_id}_{name}",
        "type": f"job.{name}",
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
        "sequence": 2,
        "data": {"id": job_id, "account": ACCOUNT, "status": name, "error": None},
    }


def _make(api: Session, **fields: Any) -> str:
    """The id of a new endpoint."""
    reply = api.call(None, "POST", "/v1/webhook_endpoints", {"url": URL, **fields})
    assert reply.status == 200, reply
    endpoint_id: str = reply.json["id"]
    return endpoint_id


def _endpoints(record: Recorder, prefix: str) -> None:
    path = f"{prefix}/webhook_endpoints"
    with session(record, f"endpoint at {prefix}") as api:
        api.call("list of none", "GET", path)
        made = api.call("create", "POST", path, {"url": URL, "name": "gallery"})
        one = f"{path}/{made.json['id']}"
        api.tick()
        api.call("retrieve", "GET", one)
        api.call("list", "GET", path)
        api.call("update", "POST", one, {"name": "other"})
        api.call("rotate", "POST", f"{one}/rotate_secret", {})
        api.call("test", "POST", f"{one}/test", {})
        api.call("attempts", "GET", f"{one}/attempts")
        api.call("delete", "DELETE", one)
        api.call("delete again", "DELETE", one)
        api.call("retrieve deleted", "GET", one)


def _messages(record: Recorder, prefix: str) -> None:
    with session(record, f"message at {prefix}") as api:
        endpoint_id = _make(api)
        message = f"{prefix}/webhook_messages/{job_event()['id']}"
        api.harness.fanout.run(job_event())
        api.call("before its attempt", "GET", message)
        api.harness.run(1)
        api.call("after its attempt", "GET", message)
        api.call("of another account", "GET", message, None, api.other_account())
        api.call("resend", "POST", f"{message}/resend", {})
        api.call("resend with a field", "POST", f"{message}/resend", {"all": True})
        api.call("after the request", "GET", message)
        api.harness.run(1)
        api.call("after the second attempt", "GET", message)
        again = {"message_id": job_event()["id"]}
        path = f"{prefix}/webhook_endpoints/{endpoint_id}"
        api.call("resend to one", "POST", f"{path}/resend", again)
        api.call("attempts", "GET", f"{path}/attempts")


def _request_secrets(record: Recorder, prefix: str) -> None:
    path = f"{prefix}/webhook_secret"
    with session(record, f"secret of requests at {prefix}") as api:
        api.call("show", "GET", path)
        for name, body in ROTATIONS.items():
            api.call(f"rotate, {name}", "POST", f"{path}/rotate", body)
        api.call("show rotated", "GET", path)
        for n in range(12):
            body = {"keep_old_secret_active_for_24_hours": True}
            api.call(f"overlap {n:02}", "POST", f"{path}/rotate", body)
        api.call("event types", "GET", f"{prefix}/webhook_event_types")


def _elsewhere(record: Recorder, prefix: str) -> None:
    with session(record, f"elsewhere at {prefix}") as api:
        no_key, wrong = {"authorization": ""}, {"authorization": f"Bearer {OTHER_KEY}"}
        for path, methods in PATHS.items():
            whole = f"{prefix}/{path}"
            for method in METHODS:
                api.call(f"absent, {method} {path}", method, whole)
                if method in methods:
                    api.call(f"no key, {method} {path}", method, whole, None, no_key)
                    api.call(f"wrong key, {method} {path}", method, whole, None, wrong)
        api.call("unknown URL", "GET", f"{prefix}/webhook_nothing")
        api.call("unknown URL below", "GET", f"{prefix}/webhook_endpoints/we_x/nothing")
        api.call("long id", "GET", f"{prefix}/webhook_endpoints/{'x' * 201}")
        api.call("long message id", "GET", f"{prefix}/webhook_messages/{'x' * 201}")
        api.call("no JSON", "POST", f"{prefix}/webhook_endpoints", b"{")
        api.call("JSON list", "POST", f"{prefix}/webhook_endpoints", b"[]")


def _invalid(record: Recorder) -> None:
    for name, fields in NEW_ENDPOINTS.items():
        with session(record, "new endpoint") as api:
            whole = {key: it for key, it in {"url": URL, **fields}.items() if it is not ...}
            api.call(name, "POST", "/v1/webhook_endpoints", whole)
    with session(record, "new endpoint") as api:
        for _ in range(100):
            _make(api)
        api.call("one too many", "POST", "/v1/webhook_endpoints", {"url": URL})


def _changes(record: Recorder) -> None:
    with session(record, "changed endpoint") as api:
        one = f"/v1/webhook_endpoints/{_make(api)}"
        for name, body in CHANGES.items():
            api.tick()
            api.call(name, "POST", one, body)
        api.call("of another account", "POST", one, {"name": "x"}, api.other_account())
        api.call("of another account, delete", "DELETE", one, None, api.other_account())
    with session(record, "rotated secret") as api:
        one = f"/v1/webhook_endpoints/{_make(api)}/rotate_secret"
        for name, body in ROTATIONS.items():
            api.tick()
            api.call(name, "POST", one, body)
        api.call("of another account", "POST", one, {}, api.other_account())


def _pages(record: Recorder) -> None:
    with session(record, "pages") as api:
        path, ids = "/v1/webhook_endpoints", []
        for _ in range(5):
            api.tick()
            ids.append(_make(api))
        queries: dict[str, dict[str, str]] = {
            "page 1": {"limit": "2"},
            "page 2": {"limit": "2", "after": ids[3]},
            "page 3": {"limit": "2", "after": ids[1]},
            "behind the last": {"after": ids[0]},
            "after unknown": {"after": "we_x"},
            "limit 0": {"limit": "0"},
            "limit 101": {"limit": "101"},
            "limit text": {"limit": "many"},
            "unknown query": {"order": "asc"},
        }
        for name, query in queries.items():
            api.call(name, "GET", path, **query)
        for n in range(3):
            api.tick()
            api.harness.fanout.run(job_event(job_id=f"job_{n}", at=api.harness.clock()))
        attempts = f"{path}/{ids[0]}/attempts"
        api.call("attempts, page 1", "GET", attempts, limit="2")
        api.call("attempts, page 2", "GET", attempts, limit="2", after="evt_job_1_completed")
        api.call("attempts, after unknown", "GET", attempts, after="evt_x")
        api.call("attempts, limit 0", "GET", attempts, limit="0")
        api.call("attempts of another account", "GET", attempts, None, api.other_account())


def _tests(record: Recorder) -> None:
    types = (
        None,
        "webhook.test",
        "job.started",
        "job.completed",
        "job.failed",
        "job.cancelled",
        "video.completed",
        "video.failed",
        "endpoint.disabled",
        "nothing",
    )
    for form in ("rushes", "openai", "fal", "pipelet"):
        with session(record, f"test in {form}") as api:
            path = f"/v1/webhook_endpoints/{_make(api, format=form)}/test"
            for event_type in types:
                body = {} if event_type is None else {"event_type": event_type}
                reply = api.call(event_type or "default", "POST", path, body)
                if reply.status == 200:
                    message = f"/v1/webhook_messages/{reply.json['message_id']}"
                    api.call(f"{event_type or 'default'}, message", "GET", message)
            api.call("unknown field", "POST", path, {"type": "job.failed"})
    answers: dict[str, HttpReply | Exception] = {
        "500": HttpReply(500, {}, b"<b>\x00 not now"),
        "410": HttpReply(410, {}, b""),
        "302": HttpReply(302, {"location": "https://elsewhere.example/"}, b""),
        "silence": UpstreamNoResponse("no answer", code="timeout"),
    }
    for name, answer in answers.items():
        with session(record, f"test answered with {name}") as api:
            api.harness.http_client = FakeWebhookClient(answer)
            one = f"/v1/webhook_endpoints/{_make(api)}"
            api.call("test", "POST", f"{one}/test", {})
            api.call("attempts", "GET", f"{one}/attempts")
            api.call("endpoint", "GET", one)
    with session(record, "test not attempted") as api:
        api.monkeypatch.setattr(api.harness.queue, "put", lambda tasks: list(range(len(tasks))))
        api.call("test", "POST", f"/v1/webhook_endpoints/{_make(api)}/test", {})


def _resends(record: Recorder) -> None:
    with session(record, "resend") as api:
        endpoint_id = _make(api)
        path = f"/v1/webhook_endpoints/{endpoint_id}/resend"
        start = api.harness.clock()
        for n in range(4):
            api.tick(60)
            api.harness.fanout.run(job_event(job_id=f"job_{n}", at=api.harness.clock()))
            api.harness.run(1)
        first, second = "evt_job_0_completed", "evt_job_1_completed"
        bodies: dict[str, dict[str, Any]] = {
            "one": {"message_id": first},
            "since": {"since": start},
            "since a text": {"since": "2027-01-15T08:02:00Z"},
            "range": {"since": start, "until": start + 130},
            "after": {"since": start, "after": second},
            "nothing": {},
            "both": {"message_id": first, "since": start},
            "unknown message": {"message_id": "evt_x"},
            "after unknown": {"since": start, "after": "evt_x"},
            "since nonsense": {"since": "yesterday"},
            "since without a zone": {"since": "2027-01-15T08:02:00"},
            "unknown field": {"all": True},
        }
        for name, body in bodies.items():
            api.call(name, "POST", path, body)
            api.harness.run(1)
        api.call("attempts", "GET", f"/v1/webhook_endpoints/{endpoint_id}/attempts")
        api.call(None, "POST", f"/v1/webhook_endpoints/{endpoint_id}", {"status": "disabled"})
        api.call("disabled", "POST", path, {"message_id": first})
        api.call("disabled, test", "POST", path.replace("resend", "test"), {})
        api.call("disabled, message", "POST", f"/v1/webhook_messages/{first}/resend", {})
        api.call(None, "DELETE", f"/v1/webhook_endpoints/{endpoint_id}")
        api.call("deleted, message", "GET", f"/v1/webhook_messages/{first}")
    _long_resends(record)


def _long_resends(record: Recorder) -> None:
    with session(record, "resend of many") as api:
        path = f"/v1/webhook_endpoints/{_make(api)}/resend"
        for n in range(201):
            api.tick(0.01)
            api.harness.fanout.run(job_event(job_id=f"job_{n:03}", at=api.harness.clock()))
        api.call("range", "POST", path, {"since": 0})
        api.call("rest of range", "POST", path, {"since": 0, "after": "evt_job_001_completed"})
    with session(record, "target of a request") as api:
        fields = {"prompt": "a cat", "model": MODEL, "webhook": WEBHOOK}
        made = api.call(None, "POST", "/openai/v1/videos", fields)
        event = job_event(job_id=made.json["id"])
        api.harness.fanout.run(event)
        api.harness.run(1)
        api.call("message", "GET", f"/v1/webhook_messages/{event['id']}")
        api.call("resend", "POST", f"/v1/webhook_messages/{event['id']}/resend", {})


def _failing(record: Recorder) -> None:
    answers: dict[str, int | Exception] = {
        "500": 500,
        "410": 410,
        "silence": UpstreamNoResponse("no answer", code="timeout"),
    }
    for name, answer in answers.items():
        with session(record, f"endpoint that answers {name}") as api:
            api.harness.http_client = FakeWebhookClient(answer)
            one = f"/v1/webhook_endpoints/{_make(api, name='gallery')}"
            for day in range(7):
                api.harness.fanout.run(job_event(job_id=f"job_{day}", at=api.harness.clock()))
                api.harness.run(1)
                api.call(f"day {day}", "GET", one)
                api.harness.run(86_400)
            api.call("attempts", "GET", f"{one}/attempts")
            for n, event in enumerate(api.harness.bus.events):
                body = json.dumps(event)
                record.add(f"endpoint that answers {name}: event {n}", {}, {"body": body})
            api.call("enabled again", "POST", one, {"status": "enabled"})


def _server_errors(record: Recorder) -> None:
    troubles = {"store": AwsUnavailable("the table is away"), "unexpected": ZeroDivisionError()}
    for name, trouble in troubles.items():
        with session(record, f"server error, {name}") as api:

            def fail(*_args: object, trouble: Exception = trouble) -> None:
                raise trouble

            api.monkeypatch.setattr(api.harness.endpoints, "all", fail)
            api.call("list", "GET", "/v1/webhook_endpoints")
