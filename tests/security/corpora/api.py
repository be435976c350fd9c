"""The api function in this process, on in-memory adapters, with the records of two accounts."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from types import MappingProxyType
from typing import Any

import pytest

from functions.api.app import lambda_handler
from rushes.api.log_events import UNEXPECTED_ERROR
from rushes.jobs.result import Artifact, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import Change
from tests.fakes import BUCKET
from tests.security.corpora.case import Case
from tests.security.corpora.routes import VIDEO
from tests.unit.dialects.api_client import CONTEXT, Caller, event
from tests.unit.dialects.api_client import VIDEO as VIDEO_FILE
from tests.unit.webhooks.client import Client

MAX_RECORDS = 40
NO_QUERY: Mapping[str, str] = MappingProxyType({})
OWNED_STORES = ("jobs", "endpoints", "secrets", "deliveries")
"""Stores whose keys begin with the account."""
REVOKED_ACCOUNT = "revoked"
CANARY = "canary-of-the-owner"
"""Part of the owner's prompts, endpoint names and URLs; no other account may see it."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Records:
    """Ids of one account's records."""

    key: str
    job: str = ""
    finished_job: str = ""
    endpoint: str = ""
    message: str = ""
    upload_url: str = ""
    idempotency_key: str = ""


@dataclass
class Api:
    """Calls as `caller`; `owner` is another account with the same kinds of records."""

    jobs: Caller
    webhooks: Client
    log: StringIO
    """The log lines of the last request, as the function writes them."""
    caller: Records
    owner: Records
    revoked_key: str
    _at_start: dict[str, dict[Any, Any]] = field(default_factory=dict)

    def send(self, case: Case, key: str | None = None) -> Answer:
        """Send a case with the caller's key, unless `key` or the case's own headers replace it."""
        headers = {"authorization": f"Bearer {self.caller.key if key is None else key}"}
        headers = {**headers, **case.headers}
        path = self.with_ids(case.path)
        body = case.body and self.with_ids(case.body.decode("latin-1")).encode("latin-1")
        self.empty_log()
        self._forget_new_records()
        request = event(case.method, path, body, headers, dict(case.query))
        response: dict[str, Any] = lambda_handler(request, CONTEXT)
        names = {name.lower(): value for name, value in response["headers"].items()}
        return Answer(response["statusCode"], names, response.get("body") or "")

    def with_ids(self, text: str) -> str:
        for name in ("key", "job", "finished_job", "endpoint", "message"):
            text = text.replace(f"{{{name}}}", getattr(self.caller, name))
        return text

    def has_unexpected_error(self) -> bool:
        return f'"{UNEXPECTED_ERROR}"' in self.log.getvalue()

    def records_of_owner(self) -> dict[str, Any]:
        """Return the other account's records, to detect a change of them."""
        account = self.account_of(self.owner.key)
        stores = {name: self._stores()[name] for name in OWNED_STORES}
        return {
            name: {key: value for key, value in store.items() if key[0] == account}
            for name, store in stores.items()
        }

    def account_of(self, key: str) -> str:
        return self.jobs.keys.rows[key.split("_")[1]].account

    def secrets(self) -> tuple[str, ...]:
        """Return the secret part of every key; neither a response nor a log may contain one."""
        keys = (self.caller.key, self.owner.key, self.revoked_key)
        return tuple(key.split("_", 2)[2] for key in keys)

    def empty_log(self) -> None:
        self.log.seek(0)
        self.log.truncate()

    def _forget_new_records(self) -> None:
        """Return to the first records when there are many: the adapters scan all of them."""
        if any(len(store) > MAX_RECORDS for store in self._stores().values()):
            self.restore()

    def restore(self) -> None:
        """Return to the records at the last `remember`."""
        if not self._at_start:
            return
        for name, store in self._stores().items():
            store.clear()
            store.update(self._at_start[name])

    def remember(self) -> None:
        self._at_start = {name: dict(store) for name, store in self._stores().items()}

    def _stores(self) -> dict[str, dict[Any, Any]]:
        harness = self.webhooks.harness
        return {
            "jobs": self.jobs.jobs.rows,
            "idempotency records": self.jobs.jobs.records,
            "retries": self.jobs.jobs.calls,
            "limits": self.jobs.jobs.limits.rows,
            "files": self.jobs.blobs.objects,
            "executions": self.jobs.executions.running,
            "endpoints": harness.endpoints.items.documents,
            "secrets": harness.endpoints.secrets.documents,
            "deliveries": harness.deliveries.items.documents,
        }


@contextmanager
def running_api() -> Iterator[Api]:
    with pytest.MonkeyPatch.context() as patch:
        jobs, webhooks = Caller(patch), Client(patch)
        webhooks.keys.rows = jobs.keys.rows  # one key works in both APIs
        caller, owner = Records(jobs.key), Records(jobs.other_accounts_key)
        with recorded_log() as log:
            api = Api(jobs, webhooks, log, caller, owner, _revoked(jobs))
            _add_records(api, caller, "caller")
            _add_records(api, owner, CANARY)
            api.remember()
            yield api


@contextmanager
def recorded_log() -> Iterator[StringIO]:
    """Record what the functions log, in place of printing it; their formatter stays in use."""
    logger = logging.getLogger("rushes")
    (handler,) = logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    recorded = StringIO()
    printed, logger.propagate = handler.setStream(recorded), False
    try:
        yield recorded
    finally:
        handler.setStream(printed)
        logger.propagate = True


def _revoked(jobs: Caller) -> str:
    key = jobs.new_key(REVOKED_ACCOUNT)
    jobs.keys.add(replace(jobs.keys.rows[key.split("_")[1]], revoked=True))
    return key


def _add_records(api: Api, records: Records, name: str) -> None:
    """Create records through the API."""

    def create(path: str, fields: Mapping[str, str], query: Mapping[str, str] = NO_QUERY) -> Any:
        headers = {"content-type": "application/json"}
        if records.idempotency_key:
            headers["idempotency-key"] = records.idempotency_key
        body = json.dumps(fields).encode() if fields else None
        answer = api.send(Case(name, "POST", path, body, headers, query), records.key)
        assert answer.status in (200, 201), answer
        return json.loads(answer.text)

    records.upload_url = create("/v1/input/upload-url", {}, {"extension": "png"})["uploadUrl"][
        "PUT"
    ]
    key = records.upload_url.partition("?")[0].removeprefix(BUCKET)
    api.jobs.blobs.objects[key] = VIDEO_FILE
    endpoint = {"url": f"https://hooks.example/{name}", "name": name}
    records.endpoint = create("/v1/webhook_endpoints", endpoint)["id"]
    test = {"event_type": "job.completed"}
    tested = create(f"/v1/webhook_endpoints/{records.endpoint}/test", test)
    records.message = tested["message_id"]
    video = {**VIDEO, "prompt": name}
    records.finished_job = create("/openai/v1/videos", video)["id"]
    records.idempotency_key = f"key-{name}"
    records.job = create("/openai/v1/videos", video)["id"]
    _complete(api, records)


def _complete(api: Api, records: Records) -> None:
    """Complete the account's second job with a video."""
    account = api.account_of(records.key)
    key, now = f"outputs/{account}/{records.finished_job}/0.mp4", api.jobs.clock()
    video = Artifact(key=key, content_type="video/mp4", size=len(VIDEO_FILE), sha256="0" * 64)
    outcome = JobOutcome(status=JobStatus.COMPLETED)
    steps: tuple[Change, ...] = (
        lambda job: job.submitted(now, {"id": "up-1"}, ()),
        lambda job: job.stored(now, (video,)),
        lambda job: job.finished(now, outcome, "run", 86_400),
    )
    api.jobs.blobs.objects[key] = VIDEO_FILE
    for step in steps:
        api.jobs.jobs.change(account, records.finished_job, step)
