from typing import Any

import pytest

from rushes import errors
from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.request import Role
from rushes.ports.http import HttpCall
from rushes.providers.base import parse_submitted
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


CREATE = HttpCall("POST", "/v1/async/ent/acme/1/whisper?serviceTier=gpuflex")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.tiyaro.ai/v1/async/requests/1",
        "https://polls.example/x?signature=1&a=b",
        "https://bucket.example:8443/deep/requests/1.json#top",
        "/v1/async/requests/1",
        "//polls.example/1",
        "../requests/1?signature=1",
    ],
)
def test_poll_url_is_requested_as_given_and_relative_to_the_create_call(url: str):
    body = {"id": "1", "status": "accepted", "urls": {"GET": url}}
    operation = parse_submitted(Tiyaro(), CREATE, json_reply(body, 202)).operation
    assert Tiyaro().poll_request(operation) == HttpCall("GET", url, relative_to=CREATE.path)


def test_operation_of_an_older_release_has_the_path_of_the_poll():
    call = Tiyaro().poll_request({"id": "1", "path": "/v1/async/requests/1"})
    assert call == HttpCall("GET", "/v1/async/requests/1")


@pytest.mark.parametrize("url", [None, "", "x", "ftp://polls.example/1", 5, {}])
def test_create_reply_without_a_poll_url_is_invalid(url: object):
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
