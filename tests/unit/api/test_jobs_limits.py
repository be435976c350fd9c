"""Identity in the log, limits of create calls and of failed keys, in every dialect."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from rushes.api.account_limits import AccountLimits
from rushes.api.auth import Authenticator
from rushes.api.log_events import AUTHENTICATION_FAILED, REQUEST_COMPLETED
from rushes.api.request_limits import MAX_FAILED_KEYS, CreateLimiter, FailedKeyLimiter
from rushes.catalog.limits import Limit
from tests.fakes import FakeCounters
from tests.unit.dialects.api_client import BASES, FIELDS, OPENAI, Caller

LIMIT = 3
CREATES: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": (OPENAI, FIELDS),
    "bifrost": ("/v1/videos", FIELDS),
    "together": ("/v2/videos", {"prompt": "x", "model": "sandbox/video", "seconds": "4"}),
    "fal": ("/fal/sandbox/video", {"prompt": "x"}),
    "pipelet": ("/pipelet/queue/sandbox/video", {"prompt": "x"}),
    "tiyaro": ("/v1/async/sandbox/video", {"input": {"prompt": "x"}}),
}
UNKNOWN_KEY = f"rk_0123456789abcdef_{'A' * 43}"


@pytest.fixture
def counters() -> FakeCounters:
    return FakeCounters()


@pytest.fixture
def limited(caller: Caller, counters: FakeCounters) -> Caller:
    """Three create calls of an account in a window, and the usual limit of failed keys."""
    service = caller.jobs_api.service
    create_job = replace(
        service.create_job,
        limiter=CreateLimiter(counters, caller.clock),
        limits=AccountLimits(service.catalogs, Limit(creates_per_minute=LIMIT * 6)),
    )
    caller.jobs_api = replace(
        caller.jobs_api,
        service=replace(service, create_job=create_job),
        authenticator=Authenticator(caller.keys, FailedKeyLimiter(counters, caller.clock)),
    )
    return caller


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.message == name]


@pytest.mark.parametrize("dialect", CREATES)
def test_create_above_the_limit_is_refused_in_the_dialects_envelope(limited: Caller, dialect: str):
    path, body = CREATES[dialect]
    replies = [limited.call("POST", path, body) for _ in range(LIMIT + 2)]
    assert [reply.status < 300 for reply in replies] == [True] * LIMIT + [False] * 2
    left = [reply.headers["ratelimit"].partition(";")[2] for reply in replies]
    assert [text.partition(";")[0] for text in left] == ["r=2", "r=1", "r=0", "r=0", "r=0"]
    refused = replies[-1]
    assert (refused.status, refused.has_side_effects) == (429, False)
    assert refused.headers["ratelimit-policy"] == '"creates";q=3;w=10'
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert "x-should-retry" not in refused.headers  # the SDKs wait and repeat a 429 by themselves
    assert "the account may create 3 jobs in 10 s" in refused.text
    limited.clock.advance(10)
    assert limited.call("POST", path, body).status < 300


def test_refused_create_can_be_repeated_with_its_key(limited: Caller):
    for _ in range(LIMIT):
        limited.create()
    headers = {"idempotency-key": "one"}
    assert limited.call("POST", OPENAI, FIELDS, headers).status == 429
    limited.clock.advance(10)
    created = limited.call("POST", OPENAI, FIELDS, headers)
    assert (created.status, created.headers.get("idempotent-replayed")) == (200, None)


@pytest.mark.parametrize("headers", [{"idempotency-key": "one"}, {"x-stainless-retry-count": "1"}])
def test_repeated_create_finds_its_job_above_the_limit(limited: Caller, headers: dict[str, str]):
    first = {**headers, "x-stainless-retry-count": "0"} if len(headers) else headers
    created = limited.call("POST", OPENAI, FIELDS, first)
    for _ in range(LIMIT):
        limited.create(prompt="another")
    repeated = limited.call("POST", OPENAI, FIELDS, headers)
    assert (repeated.status, repeated.headers["idempotent-replayed"]) == (200, "true")
    assert repeated.json["id"] == created.json["id"]
    assert limited.call("POST", OPENAI, FIELDS, {"idempotency-key": "two"}).status == 429


def test_other_accounts_and_other_calls_are_not_limited(limited: Caller):
    job = limited.create().json["id"]
    for _ in range(10):
        limited.create()
    assert "ratelimit" not in limited.call("GET", f"{OPENAI}/{job}").headers
    limited.key = limited.other_accounts_key
    assert limited.create().status == 200


@pytest.mark.parametrize("path", ["/remix", "/edits"])
@pytest.mark.parametrize("base", BASES)
def test_remix_and_edit_are_limited_too(limited: Caller, base: str, path: str):
    job = limited.create(base).json["id"]
    verb = {"/remix": "remix", "/edits": "edit"}[path]
    statuses = [limited.request_job(verb, base, job).status for _ in range(5)]
    assert statuses[-1] == 429


@pytest.mark.parametrize("dialect", CREATES)
def test_too_many_failed_keys_are_refused_in_the_dialects_envelope(limited: Caller, dialect: str):
    path, body = CREATES[dialect]
    valid, limited.key = limited.key, UNKNOWN_KEY
    replies = [limited.call("POST", path, body) for _ in range(MAX_FAILED_KEYS + 1)]
    assert [reply.status for reply in replies] == [401] * MAX_FAILED_KEYS + [429]
    assert replies[-1].headers["x-should-retry"] == "false"
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
    assert "too many invalid API keys" in replies[-1].text
    limited.key = valid
    assert limited.call("POST", path, body).status == 429  # not known to this function yet


def test_log_says_who_sent_a_request(limited: Caller, caplog: pytest.LogCaptureFixture):
    job = limited.create().json["id"]
    with caplog.at_level(logging.INFO):
        limited.call("GET", f"{OPENAI}/{job}", headers={"user-agent": "curl/8 " + "x" * 500})
    line = events(caplog, REQUEST_COMPLETED)[-1]
    assert line["account"] == "alice"
    assert line["key_id"] == limited.key.split("_")[1]
    assert line["source_ip"] == "192.0.2.1"
    assert line["user_agent"] == ("curl/8 " + "x" * 500)[:200]
    assert line["request_id"] == "request-of-gateway"
    assert (line["dialect"], line["verb"], line["status"]) == ("openai", "retrieve", 200)
    assert line["job_id"] == job
    assert line["latency_ms"] >= 0


@pytest.mark.parametrize(
    ("key", "key_id"),
    [(UNKNOWN_KEY, "0123456789abcdef"), ("rk_0123", None), ("sk-proj-0123456789", None)],
)
def test_log_says_who_failed_to_authenticate(
    limited: Caller, caplog: pytest.LogCaptureFixture, key: str, key_id: str | None
):
    limited.key = key
    with caplog.at_level(logging.INFO):
        limited.create()
    (line,) = events(caplog, AUTHENTICATION_FAILED)
    assert (line["code"], line["source_ip"]) == ("invalid_api_key", "192.0.2.1")
    assert line["key_id"] == key_id
    assert key not in json.dumps([vars(record) for record in caplog.records], default=str)


@pytest.mark.parametrize("path", ["/v1/videos/{}", "/v1/videos/{}/content", "/v2/videos/{}"])
def test_key_in_the_path_is_not_logged(
    limited: Caller, caplog: pytest.LogCaptureFixture, path: str
):
    with caplog.at_level(logging.INFO):
        reply = limited.call("GET", path.format(limited.key))
    assert reply.status == 404
    assert limited.key not in reply.text
    assert limited.key not in json.dumps([vars(one) for one in caplog.records], default=str)
