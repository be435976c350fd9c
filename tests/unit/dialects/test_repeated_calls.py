"""Create calls that come twice, in each dialect: its headers, its paths, its envelope."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.fakes import BUCKET
from tests.unit.dialects.api_client import ACCOUNT, FIELDS, PNG, Caller, Part, Reply, form

CATALOG = read_catalog("""
default_model = "sandbox/film"
[providers.sandbox]
protocol = "openai_compatible"
[aliases]
film = "sandbox/film"
[[models]]
name = "sandbox/film"
seconds = [4, 8]
sizes = ["1280x720", "720x1280"]
options = ["seed", "negative_prompt"]
inputs = ["image", "source_video"]
[[models]]
name = "sandbox/ears"
modality = "transcription"
inputs = ["audio"]
needs = ["audio"]
needs_prompt = false
""")
KEY = {"idempotency-key": "order-4711"}
REPLAYED = "idempotent-replayed"
SOUND = b"ID3\x04" + bytes(100)


@dataclass(frozen=True)
class Speech:
    """How a dialect is asked for a film."""

    path: str
    body: dict[str, Any]
    id: str = "id"


SPEECHES = {
    "bifrost": Speech("/bifrost/v1/videos", {**FIELDS}),
    "openai": Speech("/openai/v1/videos", {**FIELDS}),
    "together": Speech("/v2/videos", {"model": "sandbox/film", "prompt": "a cat", "seconds": "4"}),
    "pipelet": Speech("/pipelet/queue/film", {"prompt": "a cat", "seed": 7}, "request_id"),
    "fal": Speech("/fal/film", {"prompt": "a cat", "seed": 7}, "request_id"),
    "tiyaro": Speech("/v1/async/film", {"input": {"prompt": "a cat", "seed": 7}}),
}


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    made = Caller(monkeypatch)
    made.use(CATALOG)
    return made


@pytest.fixture(params=SPEECHES)
def speech(request: pytest.FixtureRequest) -> Speech:
    return SPEECHES[request.param]


def create(
    caller: Caller, speech: Speech, headers: dict[str, str] | None = None, **changes: Any
) -> Reply:
    body = {**speech.body, **changes}
    return caller.call("POST", speech.path, body, KEY if headers is None else headers)


def job_of(caller: Caller, speech: Speech, reply: Reply) -> Job:
    assert reply.status in (200, 202), reply
    job = caller.jobs.get(ACCOUNT, reply.json[speech.id].partition(":")[0])
    assert job
    return job


def other(speech: Speech) -> dict[str, Any]:
    """What makes another request of it."""
    if "input" in speech.body:
        return {"input": {"prompt": "a dog"}}
    return {"prompt": "a dog"}


def test_the_same_key_shows_the_same_job(caller: Caller, speech: Speech):
    first, again = create(caller, speech), create(caller, speech)
    assert job_of(caller, speech, again) == job_of(caller, speech, first)
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
    assert (again.status, again.text) == (first.status, first.text)
    assert len(caller.jobs.rows) == 1


def test_the_same_key_with_another_body_is_refused_in_the_dialects_words(
    caller: Caller, speech: Speech
):
    create(caller, speech)
    refused = create(caller, speech, **other(speech))
    assert refused.status == 422
    assert REPLAYED not in refused.headers
    assert "another request" in refused.text
    shape = {
        "bifrost": {"type", "is_bifrost_error", "status_code", "error", "extra_fields"},
        "openai": {"error"},
        "together": {"error"},
        "pipelet": {"detail"},
        "fal": {"detail"},
        "tiyaro": {"message", "code", "param"},
    }
    name = next(name for name, it in SPEECHES.items() if it is speech)
    assert set(refused.json) == shape[name]
    told = refused.json.get("error", refused.json)
    if "code" in told:
        assert (told["code"], told["param"]) == ("idempotency_key_reused", "Idempotency-Key")
    assert len(caller.jobs.rows) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ключ"])
def test_a_key_that_is_none_is_refused(caller: Caller, speech: Speech, key: str):
    refused = create(caller, speech, {"idempotency-key": key})
    assert refused.status == 400
    assert "Idempotency-Key" in refused.text
    assert not caller.jobs.rows


def test_the_order_of_fields_does_not_matter(caller: Caller, speech: Speech):
    turned = dict(reversed(speech.body.items()))
    if "input" in turned:
        turned["input"] = dict(reversed(turned["input"].items()))
    create(caller, speech)
    text = json.dumps(turned, indent=1)
    again = caller.call("POST", speech.path, text, KEY)
    assert again.headers[REPLAYED] == "true"


def test_the_same_key_in_another_dialect_is_another_key(caller: Caller):
    made = [job_of(caller, it, create(caller, it)).id for it in SPEECHES.values()]
    assert len(set(made)) == len(SPEECHES)


def test_another_accounts_key_is_another_key(caller: Caller, speech: Speech):
    create(caller, speech)
    headers = {**KEY, "authorization": f"Bearer {caller.other_accounts_key}"}
    theirs = create(caller, speech, headers)
    assert REPLAYED not in theirs.headers
    assert len(caller.jobs.rows) == 2


def test_what_a_key_made_and_was_deleted_is_not_made_again(caller: Caller, speech: Speech):
    job = job_of(caller, speech, create(caller, speech))
    assert caller.call("DELETE", f"/openai/v1/videos/{job.id}").status == 200
    assert create(caller, speech).status == 404
    assert len(caller.jobs.rows) == 1


def test_a_key_that_is_in_use_is_to_be_tried_again(
    caller: Caller, speech: Speech, monkeypatch: pytest.MonkeyPatch
):
    create(caller, speech)
    monkeypatch.setattr(caller.jobs, "receipt", lambda _digest: None)
    refused = create(caller, speech)
    assert (refused.status, refused.headers["retry-after"]) == (409, "1")


def test_a_retry_that_an_sdk_counts_is_shown_the_job_of_the_first_try(
    caller: Caller, speech: Speech
):
    first = create(caller, speech, {"x-stainless-retry-count": "0"})
    again = create(caller, speech, {"x-stainless-retry-count": "1"})
    assert job_of(caller, speech, again) == job_of(caller, speech, first)
    assert again.headers[REPLAYED] == "true"
    fresh = create(caller, speech, {"x-stainless-retry-count": "0"})
    assert REPLAYED not in fresh.headers
    assert len(caller.jobs.rows) == 2


@pytest.mark.parametrize("base", ["/openai/v1/videos", "/bifrost/v1/videos"])
def test_a_form_is_the_same_whatever_its_boundary(caller: Caller, base: str):
    parts: tuple[Part, ...] = (
        *FIELDS.items(),
        ("input_reference", "image/png", PNG),
    )

    def send(boundary: str, *sent: Part) -> Reply:
        kind = {"content-type": f"multipart/form-data; boundary={boundary}", **KEY}
        return caller.call("POST", base, form(sent, boundary), kind)

    first, again = send("one", *parts), send("another", *reversed(parts))
    assert (first.status, again.status) == (200, 200)
    assert again.headers[REPLAYED] == "true"
    assert len(caller.blobs.objects) == 1
    changed = send("one", *parts[:-1], ("input_reference", "image/png", PNG + b"!"))
    assert changed.status == 422


@pytest.mark.parametrize("base", ["/openai/v1/videos", "/bifrost/v1/videos"])
@pytest.mark.parametrize("verb", ["remix", "edit"])
def test_remixes_and_edits_are_known_by_their_keys_too(caller: Caller, base: str, verb: str):
    source = caller.ended(JobStatus.COMPLETED)
    path = f"{base}/{source}/remix" if verb == "remix" else f"{base}/edits"
    body: dict[str, Any] = {"prompt": "at dusk"}
    if verb == "edit":
        body["video"] = {"id": source}
    first, again = caller.call("POST", path, body, KEY), caller.call("POST", path, body, KEY)
    assert (first.status, again.headers[REPLAYED]) == (200, "true")
    assert again.json["id"] == first.json["id"]
    assert caller.call("POST", path, {**body, "prompt": "at dawn"}, KEY).status == 422
    assert len(caller.jobs.rows) == 2


def test_an_upload_that_is_addressed_by_a_fresh_signature_is_the_same(caller: Caller):
    """Tiyaro's clients put their file first, and name its address."""
    key = f"uploads/{ACCOUNT}/{'a' * 32}.mp3"
    caller.blobs.objects[key] = SOUND
    path = "/v1/async/sandbox/ears"
    bodies = [{"input": {}, "URL": f"{BUCKET}{key}?signature={name}"} for name in "ab"]
    first, again = (caller.call("POST", path, body, KEY) for body in bodies)
    assert (first.status, again.headers.get(REPLAYED)) == (202, "true")
