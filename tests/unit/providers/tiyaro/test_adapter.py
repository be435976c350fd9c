from typing import Any

import pytest

from rushes import errors
from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.request import Role
from rushes.ports.http import HttpCall
from rushes.providers.tiyaro.adapter import Tiyaro
from tests.unit.providers.job import job, json_reply, with_role

PUT = "https://uploads.example/1.mp3?signature=1"
AUDIO = with_role(Role.AUDIO, "uploads/demo/1.mp3", "audio/mpeg")


def test_upload_url_request_has_the_extension_of_the_file():
    call = Tiyaro().upload_url_request(job(inputs=(AUDIO,)))
    assert call == HttpCall("POST", "/v1/input/upload-url?extension=mp3", json={})


def test_upload_url_request_is_none_without_a_file():
    assert Tiyaro().upload_url_request(job(prompt="a fox")) is None


def test_second_file_is_refused():
    with pytest.raises(errors.InvalidInputFile, match="one file"):
        Tiyaro().upload_url_request(job(inputs=(AUDIO, AUDIO)))


@pytest.mark.parametrize(
    "body",
    [
        {"uploadUrl": {"PUT": PUT}},
        {"response": {"uploadUrl": {"PUT": PUT}}},
        {"response": {"uplaodUrl": {"PUT": PUT}}},
        {"uplaodUrl": {"PUT": PUT}, "note": "misspelt, as published"},
    ],
)
def test_parse_upload_url_reads_each_documented_place(body: dict[str, Any]):
    assert Tiyaro().parse_upload_url(json_reply(body, 201)) == PUT
    assert Tiyaro().parse_upload_url(json_reply(body, 200)) == PUT


@pytest.mark.parametrize("body", [{}, {"uploadUrl": {"POST": PUT}}, {"uploadUrl": PUT}, [], 3])
def test_reply_without_upload_url_is_invalid(body: Any):
    with pytest.raises(errors.UpstreamProtocolError):
        Tiyaro().parse_upload_url(json_reply(body, 201))


def test_parse_upload_url_raises_refusals_and_retryable_errors():
    with pytest.raises(errors.UpstreamRefused, match="unknown extension"):
        Tiyaro().parse_upload_url(json_reply({"message": "unknown extension"}, 404))
    with pytest.raises(errors.UpstreamNoResponse) as no_response:
        Tiyaro().parse_upload_url(json_reply({}, 502))
    assert no_response.value.retryable


def test_upload_url_is_sent_beside_the_input():
    options = {"temperature": 0, "serviceTier": "gpuflex"}
    whisper = job("ent/acme/1/whisper", inputs=(AUDIO,), provider_options=options)
    call = Tiyaro().submit_request_with_upload(whisper, PUT)
    assert call.path == "/v1/async/ent/acme/1/whisper?serviceTier=gpuflex"
    assert call.json == {"input": {"temperature": 0}, "URL": PUT}


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.tiyaro.ai/v1/async/requests/1", "/v1/async/requests/1"),
        ("https://elsewhere.example/v1/x?signature=1&a=b", "/v1/x?signature=1&a=b"),
        ("https://gateway.example/deep/v1/x#top", "/v1/x"),
        ("/v1/x", "/v1/x"),
        ("https://[::1/v1/x y", "/v1/x"),
    ],
)
def test_poll_keeps_the_path_of_the_poll_url_only(url: str, path: str):
    body = {"id": "1", "status": "accepted", "urls": {"GET": url}}
    operation = Tiyaro().parse_submit(json_reply(body, 202)).operation
    assert Tiyaro().poll_request(operation).path == path


@pytest.mark.parametrize("url", ["https://elsewhere.example/x", "", "x", "https://v1/x"])
def test_poll_url_outside_the_api_is_invalid(url: str):
    body = {"id": "1", "status": "accepted", "urls": {"GET": url}}
    with pytest.raises(errors.UpstreamProtocolError):
        Tiyaro().parse_submit(json_reply(body, 202))


def test_arguments_of_the_model_are_the_input_and_the_tier_stays_in_the_query():
    model = ModelEntry.model_validate(
        {"name": "one/video", "arguments": {"text": "{prompt}"}, "options": ["serviceTier"]}
    )
    created = job("ent/acme/1/video", prompt="a fox", provider_options={"serviceTier": "gpuflex"})
    call = Tiyaro().submit_request(created, model)
    path = "/v1/async/ent/acme/1/video?serviceTier=gpuflex"
    assert call == HttpCall("POST", path, json={"input": {"text": "a fox"}})
