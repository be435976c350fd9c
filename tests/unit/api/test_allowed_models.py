"""Models that an API key may use."""

from dataclasses import replace
from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.jobs.result import Artifact
from tests.unit.dialects.api_client import OPENAI, VIDEO, Caller

CATALOG = read_catalog("""
default_model = "fast"
[aliases]
fast = ["sandbox/one", "kling/two"]
only-one = "sandbox/one"
[providers.sandbox]
protocol = "openai_compatible"
[providers.kling]
protocol = "openai_compatible"
[[models]]
name = "sandbox/one"
seconds = [4]
sizes = ["1280x720"]
inputs = ["source_video"]
[[models]]
name = "kling/two"
seconds = [4]
sizes = ["1280x720"]
[[models]]
name = "kling/three"
seconds = [4]
sizes = ["1280x720"]
""")


class Restricted:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.caller = Caller(monkeypatch, CATALOG)

    def allow(self, *models: str) -> None:
        keys = self.caller.keys
        for key_id, key in list(keys.rows.items()):
            keys.rows[key_id] = replace(key, models=frozenset(models))
        self.caller.use(CATALOG)

    def create(self, model: str | None, base: str = OPENAI, **fields: Any) -> Any:
        body = {"prompt": "a cat", **({"model": model} if model else {}), **fields}
        return self.caller.call("POST", base, body)


@pytest.fixture
def restricted(monkeypatch: pytest.MonkeyPatch) -> Restricted:
    return Restricted(monkeypatch)


@pytest.mark.parametrize(
    ("allowed", "model"),
    [
        (("sandbox/one",), "sandbox/one"),
        (("sandbox/one",), "only-one"),
        (("sandbox/one",), "one"),
        (("sandbox/*", "kling/two"), "fast"),
        (("fast",), "fast"),
        (("fast",), None),
        (("kling/*",), "three"),
        (("t*",), "two"),
        (("*/t?o",), "kling/two"),
    ],
)
def test_key_may_use_a_model_by_its_name_pattern_or_alias(
    restricted: Restricted, allowed: tuple[str, ...], model: str | None
):
    restricted.allow(*allowed)
    assert restricted.create(model).status == 200


@pytest.mark.parametrize(
    ("allowed", "model", "named"),
    [
        (("sandbox/one",), "kling/two", "kling/two"),
        (("sandbox/one",), "two", "two (kling/two)"),
        (("sandbox/one",), "fast", "fast (kling/two)"),
        (("sandbox/one",), None, "fast (kling/two)"),
        (("only-one",), "sandbox/one", "sandbox/one"),
        (("SANDBOX/*",), "sandbox/one", "sandbox/one"),
        (("kling/three",), "fast", "fast (sandbox/one)"),
    ],
)
def test_key_is_refused_other_models(
    restricted: Restricted, allowed: tuple[str, ...], model: str | None, named: str
):
    restricted.allow(*allowed)
    reply = restricted.create(model)
    assert (reply.status, reply.code) == (403, "model_not_allowed")
    expected = f"the API key must not use the model {named} (allowed: {', '.join(allowed)})"
    assert reply.json["error"]["message"] == expected
    assert not restricted.caller.jobs.rows


def test_named_fallbacks_are_checked_too(restricted: Restricted):
    restricted.allow("sandbox/one", "kling/three")
    fallbacks = [{"provider": "kling", "model": "two"}]
    reply = restricted.create("sandbox/one", "/v1/videos", fallbacks=fallbacks)
    assert (reply.status, reply.param) == (403, "fallbacks")
    assert "kling/two" in reply.text
    fallbacks = [{"provider": "kling", "model": "three"}]
    assert restricted.create("sandbox/one", "/v1/videos", fallbacks=fallbacks).status == 200


@pytest.mark.parametrize(
    ("model", "allowed", "status"),
    [
        ("sandbox/one", "kling/*", 403),
        ("sandbox/one", "sandbox/*", 200),
        ("sandbox/one", "fast", 403),
        ("fast", "fast", 200),
        (None, "fast", 200),
        ("only-one", "only-one", 200),
        ("only-one", "fast", 403),
    ],
)
def test_remix_needs_the_model_or_the_alias_of_its_source(
    restricted: Restricted, model: str | None, allowed: str, status: int
):
    caller = restricted.caller
    job = caller.job(restricted.create(model))
    key = f"outputs/{job.account}/{job.id}/0.mp4"
    caller.blobs.objects[key] = VIDEO
    video = Artifact(key=key, content_type="video/mp4", size=len(VIDEO), sha256="0" * 64)
    caller.complete(job, video)
    restricted.allow(allowed)
    assert caller.request_job("remix", OPENAI, job.id).status == status


def test_key_without_a_list_may_use_all_models(restricted: Restricted):
    for model in ("sandbox/one", "kling/two", "kling/three", "fast"):
        assert restricted.create(model).status == 200
