"""Servers of the OpenAI Videos API: the form of their requests, as Bifrost publishes its own."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from jsonschema import Draft202012Validator

from rushes.catalog.compile import compile_config
from rushes.catalog.provider_config import ProviderEntry, VideoServer
from rushes.catalog.vendor_data import read_vendor
from rushes.errors import InvalidInputFile
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.ports.http import FormFile, HttpCall, JsonFile
from rushes.providers import adapter
from rushes.providers.base import Provider, Succeeded, SupportsCancel
from tests.unit.providers.job import job, json_reply, with_role

SPEC = json.loads(
    (Path(__file__).parents[3] / "contract/specs/bifrost-videos.json").read_text("utf-8")
)
IMAGE = with_role(Role.IMAGE)
SOURCE = with_role(Role.SOURCE_VIDEO, "video", "video/mp4")
ALL_FIELDS: dict[str, Any] = {
    "prompt": "a fox",
    "seconds": 4,
    "size": "1280x720",
    "seed": 0,
    "negative_prompt": "rain",
    "generate_audio": False,
}


def server(name: VideoServer | None) -> Provider:
    return adapter(ProviderEntry(protocol="openai_compatible", server=name))


def published(path: str) -> Draft202012Validator:
    body = SPEC["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    closed = {**body, "additionalProperties": False, "components": SPEC["components"]}
    return Draft202012Validator(closed)


def as_json(value: Any) -> Any:
    """Return a body as it is sent, with text in place of each file."""
    if isinstance(value, JsonFile):
        return f"{value.form} of {value.file.key}"
    if isinstance(value, dict):
        return {name: as_json(member) for name, member in value.items()}
    return value


def remix_of(job_at_source: Job, provider: str) -> Job:
    operation = {"id": "video_1:openai"}
    return job_at_source.model_copy(
        update={"remixed_operation": operation, "remixed_provider": provider}
    )


def test_bifrost_create_call_is_the_published_json():
    call = server("bifrost").submit_request(job("openai/sora-2", **ALL_FIELDS, inputs=(IMAGE,)))
    assert (call.method, call.path, call.form) == ("POST", "/videos", None)
    body = as_json(call.json)
    published("/v1/videos").validate(body)
    assert body == {
        "model": "openai/sora-2",
        "prompt": "a fox",
        "seconds": "4",
        "size": "1280x720",
        "seed": 0,
        "negative_prompt": "rain",
        "audio": False,
        "input_reference": "data_url of k",
    }


def test_bifrost_source_video_of_another_provider_is_its_video_uri():
    sent = remix_of(job("openai/sora-2", prompt="p", inputs=(SOURCE,)), "elsewhere")
    call = server("bifrost").submit_request(sent)
    body = as_json(call.json)
    published("/v1/videos").validate(body)
    assert (call.path, body["video_uri"]) == ("/videos", "link of video")


@pytest.mark.parametrize("name", ["openai/sora-2", "openai/sora-2-pro"])
def test_bifrost_remix_of_its_own_video_is_the_published_call(name: str):
    model = read_vendor("bifrost").entry(
        "one", next(table for table in read_vendor("bifrost").models if table["id"] == name)
    )
    sent = remix_of(job("openai/sora-2", prompt="now at night", inputs=(SOURCE,)), "one")
    for given in (model, None):
        call = server("bifrost").submit_request(sent, given)
        assert call == HttpCall(
            "POST", "/videos/video_1%3Aopenai/remix", json={"prompt": "now at night"}
        )
        published("/v1/videos/{video_id}/remix").validate(call.json)


@pytest.mark.parametrize("video_id", ["video_1:openai", "operations%2Fk9:gemini", "a/b:c:d", "x y"])
def test_id_is_percent_encoded_in_each_path(video_id: str):
    provider = server("bifrost")
    operation = provider.parse_submit(json_reply({"id": video_id})).operation
    assert isinstance(provider, SupportsCancel)
    assert provider.poll_request(operation).path == f"/videos/{quote(video_id, safe='')}"
    result = provider.parse_poll(operation, json_reply({"id": video_id, "status": "completed"}))
    assert isinstance(result, Succeeded)
    (segment,) = result.outputs[0].url.removeprefix("/videos/").removesuffix("/content").split("/")
    assert unquote(segment) == video_id
    cancel = provider.cancel_request(operation)
    assert cancel is not None
    assert (cancel.method, cancel.path) == ("DELETE", f"/videos/{segment}")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (None, "generate_audio"),
        ("openai", "generate_audio"),
        ("litellm", "generate_audio"),
        ("vllm_omni", "generate_sound"),
        ("sglang", "generate_audio"),
    ],
)
def test_other_servers_take_a_form(name: VideoServer | None, field: str):
    call = server(name).submit_request(job("m", **ALL_FIELDS, inputs=(IMAGE,)))
    assert call.json is None
    assert call.form is not None
    assert isinstance(call.form["input_reference"], FormFile)
    assert call.form[field] == "false"
    assert call.form["seconds"] == "4"


@pytest.mark.parametrize("name", [None, "openai", "litellm"])
def test_edit_is_sent_to_the_edit_route(name: VideoServer | None):
    sent = remix_of(job("m", prompt="p", inputs=(SOURCE,)), "one")
    call = server(name).submit_request(sent)
    assert call.path == "/videos/edits"
    assert call.form is not None
    assert isinstance(call.form["video"], FormFile)


@pytest.mark.parametrize("name", ["vllm_omni", "sglang"])
def test_source_video_is_refused_by_servers_without_an_edit_route(name: VideoServer):
    with pytest.raises(InvalidInputFile, match=f"{name} does not accept source_video"):
        server(name).submit_request(job("m", prompt="p", inputs=(SOURCE,)))


@pytest.mark.parametrize(
    ("vendor", "name"),
    [
        ("bifrost", "bifrost"),
        ("litellm", "litellm"),
        ("vllm-omni", "vllm_omni"),
        ("sglang", "sglang"),
        ("openai", "openai"),
    ],
)
def test_vendor_has_its_server(vendor: str, name: str):
    assert read_vendor(vendor).vendor.provider().server == name


def test_server_is_chosen_in_the_configuration():
    text = """
        default_model = "mine/m"
        [providers.mine]
        protocol = "openai_compatible"
        server = "bifrost"
        [[models]]
        name = "mine/m"
    """
    entry = compile_config(text).providers["mine"]
    assert adapter(entry).submit_request(job("m", prompt="p")).json == {"model": "m", "prompt": "p"}
    with pytest.raises(ValueError, match="`server` requires protocol openai_compatible"):
        ProviderEntry(protocol="together", server="bifrost")
