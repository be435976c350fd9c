"""Cases that every dialect has in common: keys, ownership, repeated calls and server errors."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rushes.errors import AwsUnavailable, CorruptRecord
from tests.contract.golden_recorder import Recorder
from tests.contract.golden_session import Session, session

OTHER_KEY = "rk_fedcba9876543210_" + "b" * 43


@dataclass(frozen=True)
class Api:
    """How one dialect is asked, at one of its prefixes."""

    create_path: str
    body: Mapping[str, Any]
    other_body: Mapping[str, Any]
    job_path: str
    """Where a job is asked for, with `{id}`."""
    id: str = "id"
    headers: Mapping[str, str] = field(default_factory=dict)

    def create(self, api: Session, name: str | None = None, **fields: Any) -> str:
        """The id of a new job."""
        body = {**self.body, **fields}
        reply = api.call(name, "POST", self.create_path, body, self.headers)
        assert reply.status in (200, 202), reply
        job_id: str = reply.json[self.id]
        return job_id.partition(":")[0]

    def one(self, job_id: str) -> str:
        return self.job_path.format(id=job_id)


def common(record: Recorder, api: Api) -> None:
    _keys(record, api)
    _ownership(record, api)
    _repeated_calls(record, api)
    _bodies_that_are_none(record, api)
    _server_errors(record, api)


def _keys(record: Recorder, spoken: Api) -> None:
    with session(record, "keys") as api:
        key = api.caller.key
        ways = {
            "missing": {"authorization": ""},
            "unknown": {"authorization": f"Bearer {OTHER_KEY}"},
            "malformed": {"authorization": "Bearer sk-1"},
            "wrong secret": {"authorization": f"Bearer {key[:-43]}{OTHER_KEY[-43:]}"},
            "other scheme": {"authorization": "Digest x"},
            "bad basic": {"authorization": "Basic ???"},
            "basic": {"authorization": "Basic " + _base64(f"{key}:")},
            "x-api-key": {"authorization": "", "x-api-key": key},
            "x-bf-vk": {"authorization": "", "x-bf-vk": key},
            "two keys": {"x-api-key": OTHER_KEY},
            "Key scheme": {"authorization": f"Key {key}"},
        }
        for name, headers in ways.items():
            api.call(name, "POST", spoken.create_path, {**spoken.body}, headers)
            api.call(f"{name}, retrieve", "GET", spoken.one("job_x"), None, headers)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _ownership(record: Recorder, spoken: Api) -> None:
    with session(record, "ownership") as api:
        job_id = spoken.create(api)
        api.call("another account's job", "GET", spoken.one(job_id), None, api.other_account())
        headers = spoken.headers
        for name in ("job_x", "x" * 129, "a.b", "a b", "job%5Fx", f"{job_id}:acme"):
            api.call(f"id {name[:20]}", "GET", spoken.one(name), None, headers)
        for provider in ("globex", "nonesuch", ""):
            api.call(f"id with {provider}", "GET", spoken.one(f"{job_id}:{provider}"))


def _repeated_calls(record: Recorder, spoken: Api) -> None:
    def create(name: str, body: Mapping[str, Any], **headers: str) -> None:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        api.call(name, "POST", spoken.create_path, dict(body), {**spoken.headers, **named})
        api.tick()

    with session(record, "idempotency") as api:
        create("first", spoken.body, idempotency_key="order-1")
        create("replay", spoken.body, idempotency_key="order-1")
        create("conflict", spoken.other_body, idempotency_key="order-1")
        create("other key", spoken.body, idempotency_key="order-2")
        create("bad key", spoken.body, idempotency_key="\u00e9")
        create("long key", spoken.body, idempotency_key="x" * 256)
        api.tick(90_000)
        create("key is forgotten", spoken.other_body, idempotency_key="order-1")
        create("SDK's first try", spoken.body, x_stainless_retry_count="0")
        create("SDK's retry", spoken.body, x_stainless_retry_count="1")
        create("SDK's same retry", spoken.body, x_stainless_retry_count="1")
    with session(record, "idempotency, deleted") as api:
        create("first", spoken.body, idempotency_key="order-1")
        ((_, job_id),) = api.caller.jobs.rows
        api.set_state(job_id, "deleted")
        create("replay", spoken.body, idempotency_key="order-1")


def _bodies_that_are_none(record: Recorder, spoken: Api) -> None:
    bodies: dict[str, tuple[Any, dict[str, str]]] = {
        "no body": (None, {}),
        "empty body": (b"", {}),
        "no JSON": (b"{", {}),
        "JSON list": (b"[]", {}),
        "JSON text": (b'"x"', {}),
        "not UTF-8": (b"\xff", {}),
        "a name twice": (b'{"prompt": "a", "prompt": "b"}', {}),
        "not a number": (b'{"prompt": NaN}', {}),
        "NUL": (b'{"prompt": "a\\u0000"}', {}),
        "deep": (b'{"prompt": ' + b"[" * 40 + b"]" * 40 + b"}", {}),
        "large number": (b'{"seed": 9223372036854775808}', {}),
        "empty object": (b"{}", {}),
        "other type": (b"prompt=a", {"content-type": "application/x-www-form-urlencoded"}),
        "other charset": (b"{}", {"content-type": "application/json; charset=latin-1"}),
        "compressed": (b"{}", {"content-encoding": "gzip"}),
        "form without boundary": (b"x", {"content-type": "multipart/form-data"}),
        "broken form": (b"x", {"content-type": "multipart/form-data; boundary=limit"}),
        "too large": (b" " * (10 * 1024 * 1024 + 1), {}),
        "too long": ({**spoken.body, "extras": "x" * 200_000}, {}),
    }
    with session(record, "bodies") as api:
        for name, (body, headers) in bodies.items():
            api.call(name, "POST", spoken.create_path, body, {**spoken.headers, **headers})


def _server_errors(record: Recorder, spoken: Api) -> None:
    troubles = {
        "store unavailable": AwsUnavailable("the table is away"),
        "damaged record": CorruptRecord("the row is damaged"),
        "unexpected": ZeroDivisionError("by zero"),
    }
    for name, trouble in troubles.items():
        with session(record, f"server error, {name}") as api:
            api.monkeypatch.setattr(api.caller.jobs, "get", _raising(trouble))
            api.monkeypatch.setattr(api.caller.jobs, "add", _raising(trouble))
            api.call("create", "POST", spoken.create_path, {**spoken.body}, spoken.headers)
            api.call("retrieve", "GET", spoken.one("job_x"), None, spoken.headers)
    with session(record, "budget") as api:
        api.limit_budget(0.5)
        api.call("within it", "POST", spoken.create_path, {**spoken.body}, spoken.headers)
        api.call("over it", "POST", spoken.create_path, {**spoken.body}, spoken.headers)
    with session(record, "budget of nothing") as api:
        api.limit_budget(0.1)
        api.call("over it", "POST", spoken.create_path, {**spoken.body}, spoken.headers)


def _raising(trouble: Exception) -> Callable[..., Any]:
    def answer(*_args: object, **_named: object) -> None:
        raise trouble

    return answer


def invalid(record: Recorder, spoken: Api, fields: Mapping[str, Mapping[str, Any]]) -> None:
    """Bodies with fields that are to be refused, or that change the body in a way worth keeping."""
    with session(record, "fields") as api:
        for name, changes in fields.items():
            body = {key: it for key, it in {**spoken.body, **changes}.items() if it is not ...}
            api.call(name, "POST", spoken.create_path, body, spoken.headers)


WEBHOOK_FIELDS: dict[str, dict[str, Any]] = {
    name: {"webhook": value}
    for name, value in {
        "webhook, null": None,
        "webhook, number": 5,
        "webhook, list": ["https://hooks.example/in"],
        "webhook, empty": "",
        "webhook, no address": "hooks.example",
        "webhook, other scheme": "ftp://hooks.example/",
        "webhook, http": "http://hooks.example/",
        "webhook, other port": "https://hooks.example:8443/",
        "webhook, private": "https://mixed.example/",
        "webhook, unknown host": "https://nowhere.example/",
        "webhook, loopback": "https://127.0.0.1/",
        "webhook, user": "https://me:secret@hooks.example/",
        "webhook, fragment": "https://hooks.example/#part",
        "webhook, long": "https://hooks.example/" + "x" * 2048,
        "webhook, empty object": {},
        "webhook, url of null": {"url": None},
        "webhook, unknown format": {"url": "https://hooks.example/in", "format": "xml"},
        "webhook, unknown member": {"url": "https://hooks.example/in", "secret": "x"},
        "webhook, address": "https://hooks.example/in",
        "webhook, object": {"url": "https://hooks.example/in"},
        "webhook, format rushes": {"url": "https://hooks.example/in", "format": "rushes"},
        "webhook, format openai": {"url": "https://hooks.example/in", "format": "openai"},
        "webhook, format fal": {"url": "https://hooks.example/in", "format": "fal"},
        "webhook, format pipelet": {"url": "https://hooks.example/in", "format": "pipelet"},
    }.items()
}
