"""Drives the api function in memory, with a fixed clock and fixed random values."""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from functions.api.app import lambda_handler
from rushes.catalog.models import read_catalog
from tests.contract.golden_jobs import CATALOG_TEXT, JPEG, VIDEO, state_of
from tests.contract.golden_recorder import Recorder, shown_body
from tests.harness import service_of
from tests.unit.dialects.api_client import CONTEXT, Caller, Part, Reply, event, form
from tests.unit.webhooks.client import Client

CATALOG = read_catalog(CATALOG_TEXT)
STORED_FIELDS = (
    "id",
    "account",
    "dialect",
    "provider",
    "upstream_model",
    "model",
    "fallbacks",
    "request",
    "modality",
    "preferences",
    "status",
    "created_at",
    "deadline_at",
    "cancel_requested_at",
    "deleted_at",
    "webhook",
    "remixed_from",
    "cost",
    "executions",
)
"""What of a stored job shows how its request was understood."""


class FixedRandomness:
    """Stands in for `secrets.token_bytes`, which the other functions of `secrets` call, too."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def __call__(self, size: int | None = None) -> bytes:
        size = size or 32
        self.counts[size] += 1
        return hashlib.sha512(f"{size}/{self.counts[size]}".encode()).digest()[:size]


class Session:
    """A fresh service with two accounts. Each call with a name is recorded as a case."""

    def __init__(self, record: Recorder, scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.record, self.scenario = record, scenario
        monkeypatch.setattr(secrets, "token_bytes", FixedRandomness())
        self.caller = Caller(monkeypatch)
        self.caller.use(CATALOG)
        self.client = Client(monkeypatch)
        self.client.keys.rows.update(self.caller.keys.rows)
        self.harness = self.client.harness
        self.harness.jobs = self.caller.jobs
        self.monkeypatch = monkeypatch

    def limit_budget(self, dollars: float) -> None:
        caller = self.caller
        stores = (caller.jobs, caller.blobs, caller.executions, caller.clock)
        service = service_of(*stores, CATALOG, dollars)
        caller.jobs_api = replace(caller.jobs_api, service=service)

    def tick(self, seconds: float = 1.0) -> None:
        self.caller.clock.advance(seconds)
        self.harness.clock.advance(seconds)

    def call(
        self,
        name: str | None,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        /,
        **query: str,
    ) -> Reply:
        """Call with the account's key, unless `headers` say otherwise. A dict is sent as JSON."""
        content = _encoded(body)
        sent = {"authorization": f"Bearer {self.caller.key}", "content-type": "application/json"}
        named = {k: v for k, v in {**sent, **(headers or {})}.items() if v}
        before = self._state()
        answer = lambda_handler(event(method, path, content, named, query), CONTEXT)
        reply = Reply(
            answer["statusCode"],
            {key.lower(): value for key, value in answer["headers"].items()},
            answer.get("body") or "",
        )
        if name is not None:
            request = {
                "method": method,
                "path": path,
                "query": query,
                "headers": {key: self._hide_keys(value) for key, value in named.items()},
                "body": shown_body(content),
            }
            self._add(name, request, reply, before)
        return reply

    def form(self, name: str | None, path: str, *parts: Part) -> Reply:
        kind = {"content-type": "multipart/form-data; boundary=limit"}
        return self.call(name, "POST", path, form(parts), kind)

    def other_account(self) -> dict[str, str]:
        """The headers of another account."""
        return {"authorization": f"Bearer {self.caller.other_accounts_key}"}

    def set_state(self, job_id: str, state: str) -> None:
        """Bring a stored job into one of `golden_jobs.STATES`, with its files."""
        ((place, row),) = [it for it in self.caller.jobs.rows.items() if it[0][1] == job_id]
        job = json.loads(row)
        job |= state_of(job, state)
        self.caller.jobs.rows[place] = json.dumps(job)
        for artifact in job["artifacts"]:
            is_image = artifact["content_type"].startswith("image/")
            self.caller.blobs.objects[artifact["key"]] = JPEG if is_image else VIDEO
        if job["document_file"]:
            content = json.dumps({"text": "from a file"}).encode()
            self.caller.blobs.objects[job["document_file"]["key"]] = content

    def end_at_cancel(self, state: str) -> None:
        """From now on, an execution that is started brings its job into a state at once."""
        self.monkeypatch.setattr(
            self.caller.executions, "start", lambda job: self.set_state(job.id, state)
        )

    def _add(
        self, name: str, request: dict[str, Any], reply: Reply, before: dict[str, Any]
    ) -> None:
        response = {
            "status": reply.status,
            "headers": reply.headers,
            "body": reply.text,
            "changes": _changes(before, self._state()),
        }
        self.record.add(f"{self.scenario}: {name}", request, response)

    def _hide_keys(self, value: str) -> str:
        hidden = value.replace(self.caller.key, "<key>")
        return hidden.replace(self.caller.other_accounts_key, "<another account's key>")

    def _state(self) -> dict[str, Any]:
        caller = self.caller
        jobs = {job_id: json.loads(row) for (_, job_id), row in caller.jobs.rows.items()}
        return {
            "jobs": {key: {it: job[it] for it in STORED_FIELDS} for key, job in jobs.items()},
            "files": {key: len(content) for key, content in caller.blobs.objects.items()},
            "executions": dict(caller.executions.running),
        }


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What is new or different in the stores by kind, None where something is gone."""
    found = {}
    for kind, old in before.items():
        new = after[kind]
        names = [it for it in sorted({*old, *new}) if old.get(it) != new.get(it)]
        if names:
            found[kind] = {it: new.get(it) for it in names}
    return found


def _encoded(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@contextmanager
def session(record: Recorder, scenario: str) -> Iterator[Session]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Session(record, scenario, monkeypatch)
