from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.errors import (
    ProviderNotConfigured,
    UnknownUpstreamStatus,
    UpstreamJobNotFound,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.ports.http import HttpReply
from rushes.providers.base import (
    Failed,
    FetchResult,
    Pending,
    Succeeded,
    SupportsCancel,
    parse_submitted,
)
from rushes.providers.minimax.adapter import MiniMax
from tests.unit.providers.job import job, json_reply

FIRST = {"id": "7", "path": "/v1/video_generation"}
SECOND = {"id": "7", "path": "/v2/video_generation"}


def poll_first(status: str, code: int = 0, **fields: Any) -> Any:
    base = {"status_code": code, "status_msg": "a reason"}
    body = {"task_id": "7", "status": status, "base_resp": base, **fields}
    return MiniMax().parse_poll(FIRST, json_reply(body))


def poll_second(status: str, **task: Any) -> Any:
    return MiniMax().parse_poll(SECOND, json_reply({"task": {"status": status, **task}}))


def error_of(code: int) -> HttpReply:
    return json_reply({"base_resp": {"status_code": code, "status_msg": "a reason"}})


@pytest.mark.parametrize(
    ("path", "polled"),
    [
        ("/v1/video_generation", "/v1/query/video_generation?task_id=a%2Fb"),
        ("/v2/video_generation", "/v2/query/video_generation/a%2Fb"),
    ],
)
def test_task_is_polled_in_the_api_that_created_it(path: str, polled: str):
    model = ModelEntry(name="minimax/m", path=path, arguments={"prompt": "{prompt}"})
    call = MiniMax().submit_request(job(prompt="a fox"), model)
    assert (call.path, call.json) == (path, {"prompt": "a fox"})
    created = parse_submitted(MiniMax(), call, json_reply({"task_id": "a/b"}))
    assert MiniMax().poll_request(created.operation).path == polled


def test_model_without_arguments_is_not_configured():
    with pytest.raises(ProviderNotConfigured, match="requires `path` and `arguments`"):
        MiniMax().submit_request(job(), None)


def test_vendor_promises_what_the_adapter_can():
    vendor = read_vendor("minimax").vendor
    assert (vendor.idempotency, vendor.lookup) == ("none", False)
    assert isinstance(MiniMax(), SupportsCancel) is vendor.cancel


@pytest.mark.parametrize(
    ("code", "error"),
    [
        *((code, UpstreamNoResponse) for code in (1000, 1001, 1024, 1033)),
        *((code, UpstreamThrottled) for code in (1002, 1039)),
        *((code, UpstreamRefused) for code in (1004, 1008, 1026, 1027, 1028, 1030, 2013, 2061)),
        (9999, UpstreamRefused),
    ],
)
def test_code_of_a_create_reply_with_status_200(code: int, error: type[Exception]):
    with pytest.raises(error):
        MiniMax().parse_submit(error_of(code))


@pytest.mark.parametrize("code", [1004, 2049])
def test_rejected_key_is_named(code: int):
    with pytest.raises(UpstreamRefused) as refused:
        MiniMax().parse_submit(error_of(code))
    assert refused.value.error_code == "upstream_unauthorized"


@pytest.mark.parametrize("text", ["input new_sensitive (1026)", "output sensitive content"])
def test_content_filter_of_the_second_api_is_known_by_its_message(text: str):
    body = {"error": {"type": "unprocessable_entity_error", "message": text}}
    with pytest.raises(UpstreamRefused) as refused:
        MiniMax().parse_submit(json_reply(body, 422))
    assert refused.value.error_code == "content_filtered"
    result = poll_second("failed", error={"code": "422", "message": text})
    assert isinstance(result, Failed)
    assert result.error.code == "content_filtered"


@pytest.mark.parametrize("text", ["11026 frames", "10260", "sensitivity", ""])
def test_other_messages_are_no_content_filter(text: str):
    body = {"error": {"type": "unprocessable_entity_error", "message": text}}
    with pytest.raises(UpstreamRefused) as refused:
        MiniMax().parse_submit(json_reply(body, 422))
    assert refused.value.error_code == "upstream_refused"


@pytest.mark.parametrize("status", ["Fail", "Failed", "FAILED"])
def test_failed_task_of_the_first_api_has_the_code_as_its_reason(status: str):
    error = poll_first(status, 1027).error
    assert (error.code, error.upstream_code) == ("content_filtered", "1027")
    assert error.message == "a reason"
    error = poll_first(status, 1000).error
    assert (error.code, error.upstream_code) == ("upstream_failed", "1000")
    error = poll_first(status, base_resp=None).error
    assert (error.upstream_code, error.message) == (status, "the provider gave no reason")


@pytest.mark.parametrize("status", ["Preparing", "Queueing", "queueing"])
def test_waiting_task(status: str):
    assert poll_first(status) == Pending(queued=True)
    assert poll_second("queued") == Pending(queued=True)
    assert poll_first("Processing") == poll_second("Running") == Pending()


@pytest.mark.parametrize("file_id", ["205258526306433", 205258526306433])
def test_result_of_the_first_api_is_requested_by_the_file_s_id(file_id: str | int):
    fetch = poll_first("Success", file_id=file_id)
    assert isinstance(fetch, FetchResult)
    assert fetch.call.path == "/v1/files/retrieve?file_id=205258526306433"
    body = {"file": {"download_url": "https://a/1.mp4"}, "base_resp": {"status_code": 0}}
    result = MiniMax().parse_result(FIRST, json_reply(body))
    assert isinstance(result, Succeeded)
    assert [output.url for output in result.outputs] == ["https://a/1.mp4"]


@pytest.mark.parametrize("file_id", [None, "", 0])
def test_success_of_the_first_api_without_a_file_is_invalid(file_id: object):
    with pytest.raises(UpstreamProtocolError, match="no file_id"):
        poll_first("Success", file_id=file_id)


def test_url_in_place_of_the_file_s_id_is_the_result():
    result = poll_first("Success", video_url="https://f.example/v")
    assert isinstance(result, Succeeded)
    assert [output.url for output in result.outputs] == ["https://f.example/v"]


def test_error_instead_of_a_result():
    with pytest.raises(UpstreamThrottled):
        MiniMax().parse_result(FIRST, error_of(1002))
    with pytest.raises(UpstreamProtocolError, match="file"):
        MiniMax().parse_result(FIRST, json_reply({"base_resp": {"status_code": 0}}))
    with pytest.raises(UpstreamProtocolError, match="download_url"):
        MiniMax().parse_result(FIRST, json_reply({"file": {"download_url": ""}}))


@pytest.mark.parametrize("content", [None, {}, {"url": ""}])
def test_success_of_the_second_api_without_a_url_has_no_outputs(content: object):
    assert poll_second("succeeded", content=content) == Succeeded(())


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_ended_task_without_a_reason_has_its_status_as_code(status: str):
    assert poll_second(status).error.upstream_code == status


def test_error_of_a_failed_task_may_be_a_text():
    error = poll_second("failed", error="out of memory").error
    assert (error.upstream_code, error.message) == ("failed", "out of memory")


def test_unknown_task():
    body = {"error": {"type": "server_error", "message": "Record Not Found"}}
    with pytest.raises(UpstreamJobNotFound):
        MiniMax().parse_poll(SECOND, json_reply(body, 500))
    with pytest.raises(UpstreamThrottled):
        MiniMax().parse_poll(SECOND, json_reply({"error": {"message": "internal"}}, 500))
    with pytest.raises(UpstreamJobNotFound):
        poll_first("Unknown")


@pytest.mark.parametrize("poll", [poll_first, poll_second])
def test_status_that_is_not_documented(poll: Any):
    with pytest.raises(UnknownUpstreamStatus, match="paused"):
        poll("paused")


def test_reply_without_a_status_may_have_an_error_code():
    with pytest.raises(UpstreamThrottled):
        MiniMax().parse_poll(FIRST, error_of(1002))
    with pytest.raises(UpstreamProtocolError, match="status"):
        MiniMax().parse_poll(FIRST, json_reply({"base_resp": {"status_code": 0}}))
