"""What Tiyaro's adapter does with files, and with addresses that a reply brings."""

import json
from typing import Any

import pytest

from rushes.errors import (
    InvalidInputFile,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
)
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile
from rushes.ports import HttpReply
from rushes.providers.tiyaro.adapter import Tiyaro

PUT = "https://uploads.example/1.mp3?signature=1"
SOUND = Input(
    role=Role.AUDIO, file=StoredFile(key="uploads/demo/1.mp3", content_type="audio/mpeg", size=9)
)


def job(**fields: Any) -> Job:
    return Job(
        id="job_1",
        account="demo",
        dialect="tiyaro",
        provider="tiyaro",
        upstream_model="ent/acme/1/whisper",
        request=GenerationRequest(model="tiyaro/ears", **fields),
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


def reply(status: int, body: Any) -> HttpReply:
    return HttpReply(status, {}, json.dumps(body).encode())


def test_a_job_with_a_file_asks_for_an_address_of_its_kind():
    call = Tiyaro().upload_url_request(job(inputs=(SOUND,)))
    assert call
    assert (call.method, call.path) == ("POST", "/v1/input/upload-url?extension=mp3")
    assert call.json == {}


def test_a_job_without_a_file_asks_for_none():
    assert Tiyaro().upload_url_request(job(prompt="a fox")) is None


def test_two_files_are_one_too_many():
    with pytest.raises(InvalidInputFile, match="one file"):
        Tiyaro().upload_url_request(job(inputs=(SOUND, SOUND)))


@pytest.mark.parametrize(
    "body",
    [
        {"uploadUrl": {"PUT": PUT}},
        {"response": {"uploadUrl": {"PUT": PUT}}},
        {"response": {"uplaodUrl": {"PUT": PUT}}},
        {"uplaodUrl": {"PUT": PUT}, "note": "misspelt, as published"},
    ],
)
def test_the_address_is_read_wherever_it_stands(body: dict[str, Any]):
    assert Tiyaro().parse_upload_url(reply(201, body)) == PUT
    assert Tiyaro().parse_upload_url(reply(200, body)) == PUT


@pytest.mark.parametrize("body", [{}, {"uploadUrl": {"POST": PUT}}, {"uploadUrl": PUT}, [], 3])
def test_no_address_is_no_answer(body: Any):
    with pytest.raises(UpstreamProtocolError):
        Tiyaro().parse_upload_url(reply(201, body))


def test_an_address_may_be_refused_and_may_be_had_later():
    with pytest.raises(UpstreamRefused, match="unknown extension"):
        Tiyaro().parse_upload_url(reply(404, {"message": "unknown extension"}))
    with pytest.raises(UpstreamNoResponse) as silence:
        Tiyaro().parse_upload_url(reply(502, {}))
    assert silence.value.retryable


def test_an_uploaded_file_is_named_beside_the_input():
    options = {"temperature": 0, "serviceTier": "gpuflex"}
    call = Tiyaro().submit_request_with_upload(job(inputs=(SOUND,), provider_options=options), PUT)
    assert call.path == "/v1/async/ent/acme/1/whisper?serviceTier=gpuflex"
    assert call.json == {"input": {"temperature": 0}, "URL": PUT}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://api.tiyaro.ai/v1/async/requests/1", "/v1/async/requests/1"),
        ("https://elsewhere.example/v1/x?signature=1&a=b", "/v1/x?signature=1&a=b"),
        ("https://gateway.example/deep/v1/x#top", "/v1/x"),
        ("/v1/x", "/v1/x"),
        ("https://[::1/v1/x y", "/v1/x"),
    ],
)
def test_of_an_address_to_poll_only_the_path_counts(address: str, path: str):
    body = {"id": "1", "status": "accepted", "urls": {"GET": address}}
    operation = Tiyaro().submitted(reply(202, body)).operation
    assert Tiyaro().poll(operation).path == path


@pytest.mark.parametrize("address", ["https://elsewhere.example/x", "", "x", "https://v1/x"])
def test_an_address_that_is_none_of_the_apis_is_no_answer(address: str):
    body = {"id": "1", "status": "accepted", "urls": {"GET": address}}
    with pytest.raises(UpstreamProtocolError):
        Tiyaro().submitted(reply(202, body))
