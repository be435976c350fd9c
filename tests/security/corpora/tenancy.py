"""Every operation on another account's records, compared with the same call on absent ones."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.security.corpora.api import Api, Records
from tests.security.corpora.case import JSON, Case
from tests.security.corpora.routes import VIDEO

ABSENT = Records(
    key="",
    job="job_00000000000000000000000000000000",
    finished_job="job_00000000000000000000000000000000",
    endpoint="we_00000000000000000000000000000000",
    message="evt_job_00000000000000000000000000000000_completed",
    upload_url="https://bucket.example/uploads/bob/00000000000000000000000000000000.png?upload",
    idempotency_key="absent-key",
)
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda name: name,
    "with its provider": lambda name: f"{name}:sandbox",
    "with an unknown provider": lambda name: f"{name}:nowhere",
    "with an encoded provider": lambda name: f"{name}%3Asandbox",
    "with an encoded letter": lambda name: f"%{ord(name[0]):02x}{name[1:]}",
    "with an encoded underscore": lambda name: name.replace("_", "%5f", 1),
    "in upper case": str.upper,
    "with a space": lambda name: f"{name}%20",
    "after its account": lambda name: f"bob%23{name}",
    "with the key's prefix": lambda name: f"JOB%23bob%23{name}",
    "with a path": lambda name: f"..%2f{name}",
    "with NUL": lambda name: f"{name}%00",
}
"""Forms of an id."""
AUTH: dict[str, Callable[[str], dict[str, str]]] = {
    "Bearer": lambda key: {"authorization": f"Bearer {key}"},
    "lower-case bearer": lambda key: {"authorization": f"bearer {key}"},
    "Basic user name": lambda key: {"authorization": _basic(f"{key}:")},
    "Basic password": lambda key: {"authorization": _basic(f"user:{key}")},
    "x-api-key": lambda key: {"authorization": "", "x-api-key": key},
    "x-bf-vk": lambda key: {"authorization": "", "x-bf-vk": key},
    "two equal headers": lambda key: {"authorization": f"Bearer {key}", "x-api-key": key},
}
"""Variants of authentication."""


@dataclass(frozen=True)
class Operation:
    """`{id}` in path, body, query and headers stands for the field `record` of `Records`."""

    method: str
    path: str
    record: str
    body: Any = None
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Probe:
    """The same call with another account's id and with an absent one."""

    name: str
    foreign: Case
    absent: Case
    own: tuple[str, str]
    """The two ids."""
    sent: tuple[str, str]
    """The form of each in the request."""


def _videos(prefix: str) -> Iterator[Operation]:
    one, edit = f"{prefix}/{{id}}", {"prompt": "x", "video": {"id": "{id}"}}
    for record in ("job", "finished_job"):
        yield Operation("GET", one, record)
        yield Operation("DELETE", one, record)
        yield Operation("GET", f"{one}/content", record)
        yield Operation("POST", f"{one}/remix", record, {"prompt": "x"})
        yield Operation("POST", f"{prefix}/edits", record, edit)
        provider = (("provider", "sandbox"),)
        yield Operation("GET", prefix, record, query=(("after", "{id}"), *provider))
        order = (("after", "{id}"), ("order", "asc"), *provider)
        yield Operation("GET", prefix, record, query=order)


def _queue(prefix: str) -> Iterator[Operation]:
    one = f"{prefix}/sandbox/video/requests/{{id}}"
    for record in ("job", "finished_job"):
        yield Operation("GET", one, record)
        yield Operation("GET", f"{one}/status", record)
        yield Operation("PUT", f"{one}/cancel", record)


def _webhooks(prefix: str) -> Iterator[Operation]:
    one, message = f"{prefix}/webhook_endpoints/{{id}}", f"{prefix}/webhook_messages/{{id}}"
    yield Operation("GET", one, "endpoint")
    yield Operation("POST", one, "endpoint", {"name": "taken"})
    yield Operation("DELETE", one, "endpoint")
    yield Operation("POST", f"{one}/rotate_secret", "endpoint")
    yield Operation("POST", f"{one}/test", "endpoint", {"event_type": "job.completed"})
    yield Operation("GET", f"{one}/attempts", "endpoint")
    yield Operation("POST", f"{one}/resend", "endpoint", {"since": "2026-11-01T00:00:00Z"})
    yield Operation("GET", f"{prefix}/webhook_endpoints", "endpoint", query=(("after", "{id}"),))
    yield Operation("GET", message, "message")
    yield Operation("POST", f"{message}/resend", "message")
    own = f"{prefix}/webhook_endpoints/{{endpoint}}"
    yield Operation("POST", f"{own}/resend", "message", {"message_id": "{id}"})
    after = {"since": "2026-11-01T00:00:00Z", "after": "{id}"}
    yield Operation("POST", f"{own}/resend", "message", after)
    yield Operation("GET", f"{own}/attempts", "message", query=(("after", "{id}"),))


def operations() -> tuple[Operation, ...]:
    jobs = ("job", "finished_job")
    tiyaro = {"input": {}, "URL": "{id}"}
    return (
        *_videos("/v1/videos"),
        *_videos("/bifrost/v1/videos"),
        *_videos("/openai/v1/videos"),
        *(Operation("GET", f"{prefix}/{{id}}", job) for prefix in TOGETHER for job in jobs),
        *_queue("/queue"),
        *_queue("/pipelet/queue"),
        *_queue("/fal"),
        *(Operation("GET", "/v1/async/requests/{id}", record) for record in jobs),
        Operation("POST", "/v1/async/sandbox/video", "upload_url", tiyaro),
        *(_replayed(path, body) for path, body in CREATES),
        *_webhooks("/v1"),
        *_webhooks("/openai/v1"),
    )


TOGETHER = ("/v2/videos", "/v1/v2/videos")
CREATES = (
    ("/openai/v1/videos", {**VIDEO, "prompt": "mine"}),
    ("/v1/videos", {**VIDEO, "prompt": "mine"}),
    ("/fal/sandbox/video", {"prompt": "mine"}),
)


def _replayed(path: str, body: Any) -> Operation:
    """Create with the other account's idempotency key and another body."""
    return Operation("POST", path, "idempotency_key", body, headers=(("idempotency-key", "{id}"),))


def probes(api: Api) -> Iterator[Probe]:
    for operation in operations():
        for form_name, form in FORMS.items():
            if form_name != "as it is" and operation.record in ("upload_url", "idempotency_key"):
                continue
            for auth_name, auth in AUTH.items():
                name = f"{operation.method} {operation.path}: {operation.record} {form_name}"
                yield _probe(api, operation, form, auth(api.caller.key), f"{name}, {auth_name}")


def _probe(
    api: Api,
    operation: Operation,
    form: Callable[[str], str],
    auth: dict[str, str],
    name: str,
) -> Probe:
    own = (getattr(api.owner, operation.record), getattr(ABSENT, operation.record))
    sent = (form(own[0]), form(own[1]))
    foreign, absent = (_case(operation, text, auth) for text in sent)
    return Probe(name, foreign, absent, own, sent)


def _case(operation: Operation, name: str, auth: dict[str, str]) -> Case:
    def filled(text: str) -> str:
        return text.replace("{id}", name)

    query = {key: filled(value) for key, value in operation.query}
    headers = {key: filled(value) for key, value in operation.headers}
    body = None if operation.body is None else filled(json.dumps(operation.body)).encode()
    path = filled(operation.path)
    return Case(operation.path, operation.method, path, body, {**JSON, **auth, **headers}, query)


def _basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"
