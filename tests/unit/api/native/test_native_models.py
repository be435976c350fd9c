"""Models, uploads and the caller's identity in the native API."""

from typing import Any
from urllib.parse import quote

import pytest

from rushes.catalog.models import built_in_catalog, read_catalog
from tests.unit.api.native.native_caller import NativeCaller, Pairs, assert_problem

MODELS = "/rushes/v1/models"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            (),
            [
                "boat", "sandbox/video", "spare/video", "sandbox/image", "sandbox/voice",
                "sandbox/transcriber",
            ],
        ),
        ([("modality", "video"), ("provider", "spare")], ["spare/video"]),
        ([("text", "VOICE")], ["sandbox/voice"]),
        ([("modality", "image")], ["sandbox/image"]),
    ],
)  # fmt: skip
def test_models_are_filtered(native: NativeCaller, query: Pairs, expected: list[str]):
    page = native.send("GET", MODELS, query=query).json
    assert [model["name"] for model in page["data"]] == expected
    assert page["next_cursor"] is None


def test_pages_have_each_model_once(native: NativeCaller):
    names: list[str] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = native.send("GET", MODELS, query={"limit": "4", "cursor": cursor}).json
        names += [model["name"] for model in page["data"]]
        cursor = page["next_cursor"]
    assert len(names) == len(set(names)) == 6


def test_model_has_its_arguments_and_prices(native: NativeCaller):
    model = native.send("GET", f"{MODELS}/sandbox/video").json
    assert model["seconds"] == [4, 8]
    assert model["sizes"] == ["1280x720", "720x1280"]
    assert model["aliases"] == ["boat"]
    assert model["prices"] == [{"per_second": 0.1}]
    assert [option["name"] for option in model["options"]] == [
        "seed", "negative_prompt", "guidance_scale",
    ]  # fmt: skip
    alias = native.send("GET", f"{MODELS}/boat").json
    assert (alias["models"], alias["modality"]) == (["sandbox/video", "spare/video"], "video")


def test_name_may_be_encoded(native: NativeCaller):
    encoded = native.send("GET", f"{MODELS}/{quote('sandbox/video', safe='')}")
    assert encoded.json["name"] == "sandbox/video"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"provider": "absent"}, "provider"),
        ({"modality": "smell"}, "modality"),
        ({"cursor": "abc"}, "cursor"),
        ({"limit": "1000"}, "limit"),
        ({"kind": "video"}, "kind"),
    ],
)
def test_wrong_filter_is_refused(native: NativeCaller, query: dict[str, str], param: str):
    assert_problem(native.send("GET", MODELS, query=query), 400, param)


def test_unknown_model_is_not_found(native: NativeCaller):
    assert_problem(native.send("GET", f"{MODELS}/sandbox/vide"), 404, "model", "model_not_found")


def test_every_model_of_the_built_in_catalog_is_listed(native: NativeCaller):
    native.use(built_in_catalog())
    page = native.send("GET", MODELS, query={"limit": "100"}).json
    assert page["data"]
    for model in page["data"]:
        assert native.send("GET", f"{MODELS}/{model['name']}").json == model


def test_many_lengths_are_bounds(native: NativeCaller):
    native.use(
        read_catalog("""
        default_model = "sandbox/long"
        [providers.sandbox]
        protocol = "openai_compatible"
        [[models]]
        name = "sandbox/long"
        seconds = {min = 1, max = 100, default = 5}
        """)
    )
    model = native.send("GET", f"{MODELS}/sandbox/long").json
    assert model["seconds"] == {"min": 1, "max": 100, "default": 5}


def test_upload_has_a_url_and_an_id(native: NativeCaller):
    reply = native.send("POST", "/rushes/v1/uploads", {"content_type": "video/mp4"})
    assert reply.status == 201
    upload = reply.json
    assert upload["id"].endswith(".mp4")
    assert native.blobs.key_of(upload["url"]) == f"uploads/alice/{upload['id']}"
    assert (upload["method"], upload["max_bytes"]) == ("PUT", 200 * 1024 * 1024)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"content_type": "text/html"}, "content_type"),
        ({"content_type": 7}, "content_type"),
        ({"content_length": 0}, "content_length"),
        ({"content_length": 10**12}, "content_length"),
        ({"name": "a.png"}, "name"),
    ],
)
def test_wrong_upload_is_refused(native: NativeCaller, body: dict[str, Any], param: str):
    assert_problem(native.send("POST", "/rushes/v1/uploads", body), 400, param)


def test_upload_may_have_no_body(native: NativeCaller):
    assert native.send("POST", "/rushes/v1/uploads").status == 201


def test_whoami_names_the_account_and_the_key(native: NativeCaller):
    me = native.send("GET", "/rushes/v1/whoami").json
    assert (me["account"], me["key_id"]) == ("alice", native.key.split("_")[1])
    assert me["scopes"] == ["read", "submit", "webhooks"]
    assert me["models"] == ["*"]
    assert (me["account_limits"], me["key_limits"]) == ([], [])
