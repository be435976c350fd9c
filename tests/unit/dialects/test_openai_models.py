"""Model lists of the OpenAI and the Bifrost dialects."""

import pytest

from tests.unit.dialects.api_client import Caller, assert_refused

BASES = ("/v1/models", "/bifrost/v1/models", "/openai/v1/models")
NAMES = ["sora-2", "video", "sandbox/video", "openai/plain", "sandbox/transcriber"]


def listed(caller: Caller, path: str, **query: str) -> list[str]:
    reply = caller.call("GET", path, query=query)
    assert reply.status == 200, reply
    return [model["id"] for model in reply.json["data"]]


@pytest.mark.parametrize("base", BASES)
def test_list_has_openais_form_and_the_limits(caller: Caller, base: str):
    reply = caller.call("GET", base)
    assert reply.status == 200
    assert reply.json["object"] == "list"
    models = {model["id"]: model for model in reply.json["data"]}
    assert list(models) == NAMES
    for model in models.values():
        assert (model["object"], model["created"]) == ("model", 0)
    video = models["sandbox/video"]
    assert (video["owned_by"], video["modality"]) == ("sandbox", "video")
    assert (video["seconds"], video["sizes"]) == ([4, 8], ["1280x720", "720x1280"])
    assert video["inputs"] == ["image", "source_video"]
    assert video["aliases"] == ["sora-2", "video"]
    assert models["sora-2"]["models"] == ["sandbox/video"]
    assert models["sora-2"]["on_mismatch"] == "refuse"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "name", ["sora-2", "sandbox/video", "sandbox%2Fvideo", "sandbox//video", "sora-2/"]
)
def test_one_model_by_its_name(caller: Caller, base: str, name: str):
    reply = caller.call("GET", f"{base}/{name}")
    assert (reply.status, reply.json["id"]) == (
        200,
        name.replace("%2F", "/").replace("//", "/").rstrip("/"),
    )
    assert reply.json["modality"] == "video"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", ["sora-9", "a/b/c/d/e/f/g/h/i", "%00", "sandbox/video/x", "<x>"])
def test_unknown_model_is_not_found(caller: Caller, base: str, name: str):
    reply = caller.call("GET", f"{base}/{name}")
    prefix = base.replace("/models", "/videos")
    assert_refused(reply, prefix, 404, "model", "model_not_found")


@pytest.mark.parametrize("path", [*BASES, f"{BASES[0]}/sora-2", "/fal/v1/models"])
def test_list_requires_a_key(caller: Caller, path: str):
    reply = caller.raw("GET", path, None, {})
    assert (reply.status, "data" in reply.json) == (401, False)


@pytest.mark.parametrize("base", BASES)
def test_response_may_be_cached_by_its_client_for_a_minute(caller: Caller, base: str):
    for path in (base, f"{base}/sora-2"):
        assert caller.call("GET", path).headers["cache-control"] == "private, max-age=60"


def test_lists_are_the_same_for_all_accounts(caller: Caller):
    own = caller.call("GET", BASES[0])
    caller.key = caller.other_accounts_key
    assert caller.call("GET", BASES[0]).text == own.text


@pytest.mark.parametrize("base", BASES[:2])
def test_bifrosts_list_has_pages_and_a_filter(caller: Caller, base: str):
    first = caller.call("GET", base, query={"page_size": "4"}).json
    assert first["extra_fields"] == {"request_type": "list_models"}
    assert [model["id"] for model in first["data"]] == NAMES[:4]
    rest = {"page_size": "4", "page_token": first["next_page_token"]}
    assert listed(caller, base, **rest) == NAMES[4:]
    assert "next_page_token" not in caller.call("GET", base, query=rest).json
    assert listed(caller, base, provider="openai") == ["openai/plain"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"provider": "absent"}, "provider"),
        ({"page_token": "x"}, "page_token"),
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "many"}, "page_size"),
    ],
)
def test_bifrosts_query_is_validated(caller: Caller, query: dict[str, str], param: str):
    reply = caller.call("GET", "/v1/models", query=query)
    assert_refused(reply, "/v1/videos", 400, param)


def test_openais_list_refuses_other_query_parameters(caller: Caller):
    reply = caller.call("GET", "/openai/v1/models", query={"provider": "openai"})
    assert_refused(reply, "/openai/v1/videos", 400, "provider")
