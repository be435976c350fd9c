"""Tests of repeated create calls in each dialect."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.jobs.status import JobStatus
from tests.fakes import BUCKET
from tests.unit.dialects.api_client import ACCOUNT, FIELDS, PNG, Caller, Part, Reply, Texts, form

KEY = {"idempotency-key": "order-4711"}
REPLAYED = "idempotent-replayed"
AUDIO = b"ID3\x04" + bytes(100)


@dataclass(frozen=True)
class DialectCase:
    path: str
    body: dict[str, Any]
    error_fields: set[str]
    status: int = 200


WITHOUT_VIDEO = read_catalog("""
default_model = "openai/plain"
[providers.openai]
protocol = "openai_compatible"
[[models]]
name = "openai/plain"
""")
BIFROST_ERROR = {"type", "is_bifrost_error", "status_code", "error", "extra_fields"}
TIYARO_ERROR = {"message", "code", "param"}
TOGETHER_BODY = {"model": "sandbox/video", "prompt": "a cat", "seconds": "4"}
QUEUE_BODY = {"prompt": "a cat", "seed": 7}
CASES = {
    "bifrost": DialectCase("/bifrost/v1/videos", {**FIELDS}, BIFROST_ERROR),
    "openai": DialectCase("/openai/v1/videos", {**FIELDS}, {"error"}),
    "together": DialectCase("/v2/videos", TOGETHER_BODY, {"error"}),
    "pipelet": DialectCase("/pipelet/queue/video", QUEUE_BODY, {"detail"}),
    "fal": DialectCase("/fal/video", QUEUE_BODY, {"detail", "error_type"}),
    "tiyaro": DialectCase("/v1/async/video", {"input": QUEUE_BODY}, TIYARO_ERROR, 202),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> DialectCase:
    return CASES[request.param]


def create(caller: Caller, case: DialectCase, headers: Texts = KEY, **changes: Any) -> Reply:
    return caller.call("POST", case.path, {**case.body, **changes}, headers)


def test_same_key_returns_the_same_job(caller: Caller, case: DialectCase):
    first, again = create(caller, case), create(caller, case)
    assert caller.job(again, case.status) == caller.job(first, case.status)
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
    assert (again.status, again.text) == (first.status, first.text)
    assert len(caller.jobs.rows) == 1


def test_same_key_returns_the_job_of_a_model_that_has_left_the_configuration(
    caller: Caller, case: DialectCase
):
    first = create(caller, case)
    caller.use(WITHOUT_VIDEO)
    again = create(caller, case)
    assert caller.job(again, case.status) == caller.job(first, case.status)


def test_same_key_with_another_body_is_refused_in_the_dialects_envelope(
    caller: Caller, case: DialectCase
):
    create(caller, case)
    other_prompt = {"prompt": "a dog"}
    changes = {"input": other_prompt} if "input" in case.body else other_prompt
    refused = create(caller, case, **changes)
    assert refused.status == 422
    assert REPLAYED not in refused.headers
    assert "different request" in refused.text
    assert set(refused.json) == case.error_fields
    error = refused.json.get("error", refused.json)
    if "code" in error:
        assert (error["code"], error["param"]) == ("idempotency_key_reused", "Idempotency-Key")
    assert len(caller.jobs.rows) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ключ"])
def test_malformed_key_is_refused(caller: Caller, case: DialectCase, key: str):
    refused = create(caller, case, {"idempotency-key": key})
    assert refused.status == 400
    assert "Idempotency-Key" in refused.text
    assert not caller.jobs.rows


def test_order_of_fields_does_not_matter(caller: Caller, case: DialectCase):
    reordered = dict(reversed(case.body.items()))
    if "input" in reordered:
        reordered["input"] = dict(reversed(reordered["input"].items()))
    create(caller, case)
    again = caller.call("POST", case.path, json.dumps(reordered, indent=1), KEY)
    assert again.headers[REPLAYED] == "true"


def test_same_key_in_another_dialect_is_another_key(caller: Caller):
    job_ids = {caller.job(create(caller, case), case.status).id for case in CASES.values()}
    assert len(job_ids) == len(CASES)


def test_same_key_of_another_account_is_another_key(caller: Caller, case: DialectCase):
    create(caller, case)
    caller.key = caller.other_accounts_key
    assert REPLAYED not in create(caller, case).headers
    assert len(caller.jobs.rows) == 2


def test_deleted_job_is_not_created_again_by_its_key(caller: Caller, case: DialectCase):
    job = caller.job(create(caller, case), case.status)
    assert caller.call("DELETE", f"/openai/v1/videos/{job.id}").status == 200
    assert create(caller, case).status == 404
    assert len(caller.jobs.rows) == 1


def test_key_in_use_returns_409_with_retry_after(
    caller: Caller, case: DialectCase, monkeypatch: pytest.MonkeyPatch
):
    create(caller, case)
    monkeypatch.setattr(caller.jobs, "find_record", lambda _digest: None)
    refused = create(caller, case)
    assert (refused.status, refused.headers["retry-after"]) == (409, "1")


def test_sdk_retry_returns_the_job_of_the_first_attempt(caller: Caller, case: DialectCase):
    first = create(caller, case, {"x-stainless-retry-count": "0"})
    again = create(caller, case, {"x-stainless-retry-count": "1"})
    assert caller.job(again, case.status) == caller.job(first, case.status)
    assert again.headers[REPLAYED] == "true"
    fresh = create(caller, case, {"x-stainless-retry-count": "0"})
    assert REPLAYED not in fresh.headers
    assert len(caller.jobs.rows) == 2


@pytest.mark.parametrize("base", ["/openai/v1/videos", "/bifrost/v1/videos"])
def test_form_boundary_does_not_matter(caller: Caller, base: str):
    parts: tuple[Part, ...] = (*FIELDS.items(), ("input_reference", "image/png", PNG))

    def send(boundary: str, *sent: Part) -> Reply:
        content_type = {"content-type": f"multipart/form-data; boundary={boundary}", **KEY}
        return caller.call("POST", base, form(sent, boundary), content_type)

    first, again = send("one", *parts), send("another", *reversed(parts))
    assert (first.status, again.status) == (200, 200)
    assert again.headers[REPLAYED] == "true"
    assert len(caller.blobs.objects) == 1
    changed = send("one", *parts[:-1], ("input_reference", "image/png", PNG + b"!"))
    assert changed.status == 422


@pytest.mark.parametrize("base", ["/openai/v1/videos", "/bifrost/v1/videos"])
@pytest.mark.parametrize("verb", ["remix", "edit"])
def test_remix_and_edit_honour_the_key(caller: Caller, base: str, verb: str):
    source = caller.finished_job(JobStatus.COMPLETED)
    path = f"{base}/{source}/remix" if verb == "remix" else f"{base}/edits"
    video = {"video": {"id": source}} if verb == "edit" else {}
    body = {"prompt": "at dusk", **video}
    first, again = caller.call("POST", path, body, KEY), caller.call("POST", path, body, KEY)
    assert (first.status, again.headers[REPLAYED]) == (200, "true")
    assert again.json["id"] == first.json["id"]
    assert caller.call("POST", path, {**body, "prompt": "at dawn"}, KEY).status == 422
    assert len(caller.jobs.rows) == 2


def test_signature_of_upload_url_does_not_matter(caller: Caller):
    """Tiyaro's clients upload their file first and send its URL."""
    key = f"uploads/{ACCOUNT}/{'a' * 32}.mp3"
    caller.blobs.objects[key] = AUDIO
    path = "/v1/async/sandbox/transcriber"
    bodies = [{"input": {}, "URL": f"{BUCKET}{key}?signature={name}"} for name in "ab"]
    first, again = (caller.call("POST", path, body, KEY) for body in bodies)
    assert (first.status, again.headers.get(REPLAYED)) == (202, "true")
