"""What each vendor's reply to a cancel request says, and which requests are never sent."""

import json
from typing import Any, get_args

import pytest

from rushes.catalog.provider_config import ProviderEntry, VideoServer
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.errors import UpstreamError, UpstreamJobNotFound
from rushes.ports.http import HttpReply
from rushes.providers import PROVIDERS, adapter
from rushes.providers.base import CancelReply, Provider, SupportsCancel

STOPPED, FINISHED = CancelReply.STOPPED, CancelReply.FINISHED
REMOVED = CancelReply.REMOVED
REQUESTED, UNSUPPORTED = CancelReply.REQUESTED, CancelReply.UNSUPPORTED
OPERATION = {"id": "7", "path": "/v2/video_generation", "cancel": "/c", "status": "/s"}


def vendor(name: str) -> Provider:
    entry = read_vendor(name).vendor.provider(base_url="https://vendor.example")
    return adapter(entry)


def answer(status: int, body: object = None) -> HttpReply:
    return HttpReply(status, {}, b"" if body is None else json.dumps(body).encode())


REPLIES: list[tuple[str, int, object, CancelReply]] = [
    ("fal", 202, {"status": "CANCELLATION_REQUESTED"}, REQUESTED),
    ("fal", 202, None, REQUESTED),
    ("fal", 200, {"status": "CANCELLATION_REQUESTED"}, REQUESTED),
    ("fal", 400, {"status": "ALREADY_COMPLETED"}, FINISHED),
    ("pipelet", 204, None, STOPPED),
    ("pipelet", 200, {}, STOPPED),
    ("pipelet", 202, None, REQUESTED),
    ("replicate", 200, {"id": "7", "status": "canceled"}, STOPPED),
    ("replicate", 200, {"id": "7", "status": "aborted"}, STOPPED),
    ("replicate", 200, {"id": "7", "status": "processing"}, REQUESTED),
    ("replicate", 200, {"id": "7", "status": "succeeded"}, FINISHED),
    ("replicate", 200, None, REQUESTED),
    ("runway", 204, None, REMOVED),
    ("google", 200, {"status": "cancelled"}, STOPPED),
    ("google", 200, {"status": "in_progress"}, REQUESTED),
    ("google", 200, {"status": "completed"}, FINISHED),
    ("minimax", 200, {"task_id": "7", "status": "cancelled"}, STOPPED),
    ("minimax", 200, {"task_id": "7", "status": "Running"}, REQUESTED),
    ("byteplus", 200, {}, REMOVED),
    ("byteplus", 200, {"status": "cancelled"}, STOPPED),
    ("byteplus", 200, {"status": "running"}, REQUESTED),
    ("dashscope", 200, {"request_id": "x"}, REQUESTED),
    ("dashscope", 200, {"output": {"task_status": "CANCELED"}}, STOPPED),
    ("vllm-omni", 200, {"id": "7", "deleted": True, "object": "video.deleted"}, REMOVED),
    ("vllm-omni", 409, {"error": {"message": "abort in progress"}}, REQUESTED),
    ("openai", 200, {"id": "7", "deleted": True}, REMOVED),
    ("openai", 200, {"id": "7", "status": "deleted"}, REQUESTED),
    ("openai", 202, None, REQUESTED),
    ("rushes", 204, None, REMOVED),
    ("bifrost", 200, {"id": "7:openai", "deleted": True}, REQUESTED),
    ("openai", 405, {"detail": "Method Not Allowed"}, UNSUPPORTED),
    ("fal", 501, None, UNSUPPORTED),
    ("runway", 405, None, UNSUPPORTED),
    ("replicate", 405, {"detail": "x"}, UNSUPPORTED),
]


@pytest.mark.parametrize(("name", "status", "body", "expected"), REPLIES)
def test_reply_to_a_cancel_request(
    name: str, status: int, body: object, expected: CancelReply
) -> None:
    provider = vendor(name)
    assert isinstance(provider, SupportsCancel)
    assert provider.parse_cancel(answer(status, body)) is expected


NO_JSON = (b"<html>welcome</html>", b"OK", b"{", b"\xff\xfe")


@pytest.mark.parametrize("name", ["openai", "vllm-omni", "rushes", "runway", "pipelet", "byteplus"])
@pytest.mark.parametrize("body", NO_JSON)
def test_body_that_is_not_json_confirms_no_cancel(name: str, body: bytes) -> None:
    """A proxy or a sign-in page answers in place of the provider."""
    provider = vendor(name)
    assert isinstance(provider, SupportsCancel)
    assert provider.parse_cancel(HttpReply(200, {}, body)) is REQUESTED


CANCELLABLE = sorted({name for name, *_ in REPLIES})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
@pytest.mark.parametrize("name", CANCELLABLE)
def test_refused_cancel_is_no_success(name: str, status: int) -> None:
    """A later poll tells what the job does."""
    provider = vendor(name)
    assert isinstance(provider, SupportsCancel)
    if (name, status) == ("vllm-omni", 409):
        return
    with pytest.raises(UpstreamError) as raised:
        provider.parse_cancel(answer(status, {"error": {"message": "no"}}))
    assert isinstance(raised.value, UpstreamJobNotFound) is (status == 404)


@pytest.mark.parametrize("name", CANCELLABLE)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": 7}', b'"gone"', b"\xff\x00"])
def test_odd_body_of_an_accepted_cancel_is_no_error(name: str, body: bytes) -> None:
    provider = vendor(name)
    assert isinstance(provider, SupportsCancel)
    assert provider.parse_cancel(HttpReply(202, {}, body)) is REQUESTED


@pytest.mark.parametrize("name", ["sglang", "litellm", "together", "openrouter", "xai", "kling"])
def test_vendor_without_cancel_gets_no_request(name: str) -> None:
    """SGLang's delete removes the record and goes on rendering; LiteLLM has no such route."""
    assert not isinstance(vendor(name), SupportsCancel)


def test_older_api_of_minimax_gets_no_request() -> None:
    provider = vendor("minimax")
    assert isinstance(provider, SupportsCancel)
    assert provider.cancel_request({"id": "7", "path": "/v1/video_generation"}) is None
    call = provider.cancel_request({"id": "7", "path": "/v2/video_generation"})
    assert call is not None
    assert (call.method, call.path) == ("DELETE", "/v2/video_generation/7")


def providers() -> dict[str, Provider]:
    found = {name: vendor(name) for name in vendor_names()}
    servers: tuple[Any, ...] = get_args(VideoServer)
    for server in servers:
        entry = ProviderEntry(protocol="openai_compatible", server=server)
        found[f"openai_compatible ({server})"] = adapter(entry)
    for protocol in sorted(set(PROVIDERS) - {"declarative"}):
        found[protocol] = adapter(ProviderEntry(protocol=protocol))
    return found


@pytest.mark.parametrize(("name", "provider"), providers().items())
def test_each_delete_request_is_known_to_delete_results(name: str, provider: Provider) -> None:
    """Only its profile keeps a delete from being sent to a job that may have finished."""
    if isinstance(provider, SupportsCancel):
        call = provider.cancel_request(OPERATION)
        assert call is not None, name
        assert provider.profile.cancel_deletes_result is (call.method == "DELETE")


@pytest.mark.parametrize("name", vendor_names())
def test_vendor_data_says_whether_the_adapter_cancels(name: str) -> None:
    if name != "bifrost":  # it passes a delete on, without a promise
        assert read_vendor(name).vendor.cancel is isinstance(vendor(name), SupportsCancel)
