"""Changes of length and size are reported by a header in every dialect, and in fal's logs."""

from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.ports.jobs import JobQuery
from tests.unit.dialects.api_client import ACCOUNT, PNG, Caller

CATALOG = read_catalog("""
default_model = "near"
[providers.sandbox]
protocol = "openai_compatible"
[aliases]
far = ["sandbox/text", "sandbox/image"]
[aliases.near]
models = ["sandbox/text", "sandbox/image"]
on_mismatch = "nearest"
[[models]]
name = "sandbox/text"
seconds = [4, 8]
sizes = ["1280x720"]
[[models]]
name = "sandbox/image"
seconds = [5]
sizes = ["1280x720"]
inputs = ["image", "source_video"]
needs = ["image"]
""")
WARNING = '"seconds 12 was changed to 8, the nearest that sandbox/text accepts"'
OPENAI_BODY = {"model": "near", "prompt": "a cat", "seconds": "12"}
CREATES: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/openai/v1/videos", OPENAI_BODY),
    "bifrost": ("/v1/videos", OPENAI_BODY),
    "together": ("/v2/videos", OPENAI_BODY),
    "pipelet": ("/pipelet/queue/near", {"prompt": "a cat", "duration": 12}),
    "fal": ("/fal/near", {"prompt": "a cat", "duration": "12"}),
    "tiyaro": ("/v1/async/near", {"input": {"prompt": "a cat", "seconds": 12}}),
}
each_dialect = pytest.mark.parametrize("dialect", CREATES)


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch, CATALOG)


@each_dialect
def test_create_reports_the_change(caller: Caller, dialect: str):
    path, body = CREATES[dialect]
    reply = caller.call("POST", path, body)
    assert reply.status in (200, 202)
    assert reply.headers["rushes-warning"] == WARNING
    (stored,) = caller.jobs.page(ACCOUNT, JobQuery()).jobs
    assert (stored.request.seconds, len(stored.warnings)) == (8, 1)


@each_dialect
def test_unchanged_request_has_no_warning(caller: Caller, dialect: str):
    path, body = CREATES[dialect]
    fields = body.get("input", body)
    fields = {name: value for name, value in fields.items() if name not in ("duration", "seconds")}
    reply = caller.call("POST", path, {"input": fields} if "input" in body else fields)
    assert reply.status in (200, 202)
    assert "rushes-warning" not in reply.headers


@each_dialect
def test_refusing_alias_names_itself_and_the_allowed_values(caller: Caller, dialect: str):
    path, body = CREATES[dialect]
    changed = {**body, "model": "far"} if "model" in body else body
    reply = caller.call("POST", path.replace("near", "far"), changed)
    assert (reply.status, reply.has_side_effects) == (422 if dialect == "fal" else 400, False)
    field = "duration" if dialect in ("fal", "pipelet") else "seconds"
    assert f"far (sandbox/text): {field} must be one of 4, 8 (got 12)" in reply.text


def test_retrieve_and_replay_repeat_the_warning(caller: Caller):
    path, body = CREATES["openai"]
    key = {"idempotency-key": "order-1"}
    job_id = caller.call("POST", path, body, key).json["id"]
    for reply in (caller.call("POST", path, body, key), caller.call("GET", f"{path}/{job_id}")):
        assert reply.headers["rushes-warning"] == WARNING


def test_warning_is_in_fals_logs(caller: Caller):
    path, body = CREATES["fal"]
    job_id = caller.call("POST", path, body).json["request_id"]
    status = caller.call("GET", f"{path}/requests/{job_id}/status").json
    assert "seconds 12 was changed to 8" in status["logs"][0]["message"]


def test_old_sora_code_is_served_with_and_without_an_image(caller: Caller):
    """The fields of OpenAI's SDK, as code for sora-2 sent them."""
    fields = (("model", "near"), ("prompt", "a cat"), ("seconds", "12"), ("size", "1792x1024"))
    text = caller.form("/openai/v1/videos", *fields)
    image = caller.form("/openai/v1/videos", *fields, ("input_reference", "image/png", PNG))
    assert [reply.json["seconds"] for reply in (text, image)] == ["8", "5"]
    assert [reply.json["size"] for reply in (text, image)] == ["1280x720", "1280x720"]
    assert "size 1792x1024 was changed to 1280x720" in text.headers["rushes-warning"]
    assert caller.job(image).model == "sandbox/image"
