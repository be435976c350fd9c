"""Each status and file that a vendor publishes has a meaning for its adapter."""

from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import UnknownUpstreamStatus
from rushes.providers import adapter
from rushes.providers.base import Failed, FetchResult, Pending, PollResult, Succeeded
from tests.contract.vendors.published_files import read
from tests.unit.providers.job import json_reply


def polled(vendor: str, body: dict[str, Any]) -> PollResult:
    provider = adapter(read_vendor(vendor).vendor.provider())
    result = provider.parse_poll({"id": "1"}, json_reply(body))
    assert isinstance(result, PollResult)
    return result


STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "runway": ("status", {"output": ["https://a.example/1.mp4", "https://a.example/2.wav"]}),
    "luma": ("state", {"output": [{"url": "https://a.example/1.mp4"}, {"url": "https://b/2"}]}),
    "luma-dream-machine": ("state", {"assets": {"video": "https://a/1", "image": "https://a/2"}}),
    "xai": ("status", {"video": {"url": "https://a.example/1.mp4"}}),
}
"""Field of the state, and the fields of a result."""
ENDED = {"SUCCEEDED", "completed", "done"}
FAILED = {"FAILED", "CANCELLED", "failed", "expired"}


@pytest.mark.parametrize(
    ("vendor", "state"),
    [(vendor, state) for vendor in STATES for state in read(vendor)["statuses"]],
)
def test_each_published_state_has_a_meaning(vendor: str, state: str):
    field, files = STATES[vendor]
    result = polled(vendor, {"id": "1", field: state, **files})
    kind = Succeeded if state in ENDED else Failed if state in FAILED else Pending
    assert isinstance(result, kind)


@pytest.mark.parametrize("vendor", STATES)
def test_all_files_of_a_result_are_found(vendor: str):
    field, files = STATES[vendor]
    ended = next(state for state in read(vendor)["statuses"] if state in ENDED)
    result = polled(vendor, {"id": "1", field: ended, **files})
    assert isinstance(result, Succeeded)
    urls = str(files).count("https://")
    assert len(result.outputs) == urls


@pytest.mark.parametrize("vendor", STATES)
def test_state_that_is_not_published_is_unknown(vendor: str):
    with pytest.raises(UnknownUpstreamStatus):
        polled(vendor, {"id": "1", STATES[vendor][0]: "paused"})


@pytest.mark.parametrize("code", read("luma")["failure_codes"])
def test_failure_codes_of_luma(code: str):
    result = polled("luma", {"id": "1", "state": "failed", "failure_code": code})
    assert isinstance(result, Failed)
    filtered = code == "content_moderated"
    assert result.error.code == ("content_filtered" if filtered else "upstream_failed")


MINIMAX_STATUSES = [
    (path, status) for path, statuses in read("minimax")["statuses"].items() for status in statuses
]
MINIMAX_MEANINGS: dict[str, type] = {
    **dict.fromkeys(("success", "succeeded"), Succeeded),
    **dict.fromkeys(("failed", "cancelled", "expired"), Failed),
    **dict.fromkeys(("queueing", "queued", "processing", "running"), Pending),
}


@pytest.mark.parametrize(
    ("path", "status"), [(path, status) for path, status in MINIMAX_STATUSES if status != "Unknown"]
)
def test_each_published_status_of_minimax_has_a_meaning(path: str, status: str) -> None:
    provider = adapter(read_vendor("minimax").vendor.provider())
    task = {"status": status, "content": {"url": "https://a.example/1.mp4"}}
    body = {"task": task} if path.startswith("/v2/") else {"status": status, "file_id": "1"}
    result = provider.parse_poll({"id": "1", "path": path}, json_reply(body))
    meaning = MINIMAX_MEANINGS[status.casefold()]
    is_fetched = meaning is Succeeded and path.startswith("/v1/")
    assert isinstance(result, FetchResult if is_fetched else meaning)


@pytest.mark.parametrize("field", read("byteplus")["files"])
def test_each_published_file_of_byteplus_is_found(field: str) -> None:
    provider = adapter(read_vendor("byteplus").vendor.provider())
    body = {"status": "succeeded", "content": {field: "https://a.example/1"}}
    result = provider.parse_poll({"id": "1"}, json_reply(body))
    assert isinstance(result, Succeeded)
    assert [output.url for output in result.outputs] == ["https://a.example/1"]


@pytest.mark.parametrize(
    ("vendor", "body"),
    [
        ("luma", {"state": "completed", "assets": {"video": "https://a.example/1"}}),
        (
            "dashscope",
            {
                "output": {
                    "task_status": "SUCCEEDED",
                    "results": {"video_url": "https://a.example/1"},
                }
            },
        ),
        ("byteplus", {"status": "succeeded", "content": {"url": "https://a.example/1"}}),
        ("xai", {"status": "done", "video": [{"url": "https://a.example/1"}]}),
    ],
)
def test_result_in_another_usual_place_is_found(vendor: str, body: dict[str, Any]):
    result = polled(vendor, {"id": "1", **body})
    assert isinstance(result, Succeeded)
    assert [output.url for output in result.outputs] == ["https://a.example/1"]
