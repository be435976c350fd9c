from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.options import Option
from rushes.errors import UpstreamProtocolError, UpstreamRefused, UpstreamThrottled
from rushes.jobs.request import Role
from rushes.ports.http import HttpCall, HttpReply, JsonFile
from rushes.providers.base import (
    Failed,
    FetchResult,
    Pending,
    PollResult,
    Succeeded,
    SupportsCancel,
    parse_submitted,
)
from rushes.providers.fal_queue.fal_queue import Fal, Pipelet
from tests.unit.providers.job import job, json_reply, with_role

RESULT = "/a/b/requests/1"
OPERATION = {"id": "1", "result": RESULT} | {
    name: f"{RESULT}/{name}" for name in ("status", "cancel")
}


def accepted(url: str | None) -> HttpReply:
    names = ("response_url", "status_url", "cancel_url")
    return json_reply({"request_id": "1", **dict.fromkeys(names, url)})


def parse_poll(**state: Any) -> Any:
    return Fal().parse_poll(OPERATION, json_reply(state))


def parse_result(status: int, body: object, **headers: str) -> PollResult:
    return Fal().parse_result(OPERATION, json_reply(body, status, **headers))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://queue.fal.run/a/b/requests/1", "/a/b/requests/1"),
        ("https://queue.fal.run/a/b/requests/1/status?logs=1", "/a/b/requests/1/status"),
        ("https://evil.example/fal/a/b/requests/1", "/a/b/requests/1"),
        ("https://key@evil.example:8/x/y/z/a/b/requests/1#x", "/a/b/requests/1"),
        ("/a/b/requests/1", "/a/b/requests/1"),
        ("https://queue.fal.run/comfy/a/b/requests/1", "/comfy/a/b/requests/1"),
    ],
)
def test_only_the_path_of_a_request_url_is_kept(url: str, path: str):
    assert Fal().parse_submit(accepted(url)).operation["result"] == path


@pytest.mark.parametrize(
    "url",
    [
        "https://queue.fal.run/a/requests/1",
        "https://elsewhere.example/polls/1?signature=2",
        "//elsewhere.example/polls/1",
        "../polls/1",
    ],
)
def test_other_url_is_requested_as_given_and_relative_to_the_create_call(url: str):
    create = HttpCall("POST", "/a/b/fast?webhook=1")
    operation = parse_submitted(Fal(), create, accepted(url)).operation
    assert Fal().poll_request(operation) == HttpCall("GET", url, relative_to=create.path)


@pytest.mark.parametrize("url", ["", "x", "ftp://queue.fal.run/1", None])
@pytest.mark.parametrize(
    ("provider", "create", "request_path"),
    [
        (Fal(), "/a/b/fast", "/a/b/requests/1"),
        (Fal(), "/workflows/a/b", "/workflows/a/b/requests/1"),
        (Pipelet(), "/video?x=1", "/video/requests/1"),
    ],
)
def test_without_a_url_the_paths_follow_from_the_id(
    url: str | None, provider: Fal, create: str, request_path: str
):
    operation = parse_submitted(provider, HttpCall("POST", create), accepted(url)).operation
    assert provider.poll_request(operation) == HttpCall("GET", f"{request_path}/status")
    fetch = provider.parse_poll(operation, json_reply({"status": "COMPLETED"}))
    assert fetch == FetchResult(HttpCall("GET", request_path))
    assert provider.cancel_request(operation) == HttpCall("PUT", f"{request_path}/cancel")


@given(st.text(max_size=40))
def test_any_url_in_a_reply_leads_to_a_request(text: str):
    operation = Fal().parse_submit(accepted(text)).operation
    call = Fal().poll_request(operation)
    if call.relative_to is None:
        assert call.path.startswith("/")
        assert not call.path.startswith("//")
        assert "/requests/" in call.path


def test_pipelet_request_path_has_one_segment_for_the_model():
    reply = accepted("https://x.example/queue/video/requests/12")
    assert Pipelet().parse_submit(reply).operation["result"] == "/video/requests/12"


@pytest.mark.parametrize(
    ("message", "progress"),
    [
        ("Progress: 4/24 Tasks done", 16),
        ("Progress: 24/24 Tasks done", 100),
        ("Progress: 30/24 Tasks done", 100),
        ("Progress: 1/0 Tasks done", None),
        ("almost", None),
        (None, None),
    ],
)
def test_progress_is_parsed_from_the_message(message: str | None, progress: int | None):
    messages = {"message": "PROCESSING", "detail_message": message}
    assert parse_poll(status="IN_PROGRESS", statusMessages=messages) == Pending(progress)


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        ({"queue_position": 0}, None),
        ({"queue_position": 3}, 6.0),
        ({"queue_position": 500}, 30.0),
        ({"queue_position": 3, "etaSeconds": 42}, 42.0),
        ({"etaSeconds": 0}, None),
        ({"etaSeconds": -1}, None),
        ({"queue_position": -(10**400)}, None),
        ({"queue_position": 10**400}, 30.0),
    ],
)
def test_wait_is_the_estimate_or_grows_with_the_queue_position(
    state: dict[str, Any], seconds: float | None
):
    result = parse_poll(status="IN_QUEUE", **state)
    assert (result.wait_seconds, result.queued) == (seconds, True)


def test_retry_after_precedes_the_estimate():
    answer = json_reply({"status": "IN_QUEUE", "queue_position": 3}, 202, retry_after="17")
    assert Fal().parse_poll(OPERATION, answer) == Pending(
        wait_seconds=17.0, queued=True, queue_position=3
    )


@pytest.mark.parametrize(
    ("status", "position", "reported"),
    [("IN_QUEUE", 3, 3), ("IN_QUEUE", 0, 0), ("IN_QUEUE", -1, 0), ("IN_PROGRESS", 3, None)],
)
def test_queue_position_and_estimate_are_reported(status: str, position: int, reported: int | None):
    result = parse_poll(status=status, queue_position=position, etaSeconds=42)
    assert (result.queue_position, result.eta_seconds) == (reported, 42)


@pytest.mark.parametrize("status", [400, 422, 500, 503, 504])
def test_model_error_of_the_result_request_fails_the_job(status: int):
    result = parse_result(status, {"detail": "Runner gone"}, x_fal_error_type="runner_disconnected")
    assert isinstance(result, Failed)
    assert result.error.upstream_code == "runner_disconnected"


def test_api_key_and_server_errors_of_the_result_request_do_not_fail_the_job():
    with pytest.raises(UpstreamThrottled):
        parse_result(429, {"detail": "Slowly"}, x_fal_error_type="rate_limited")
    with pytest.raises(UpstreamRefused):
        parse_result(401, {"detail": "No such key"}, x_fal_error_type="unauthorized")
    with pytest.raises(UpstreamThrottled):
        parse_result(500, {"detail": "Internal Server Error"})


def test_long_message_and_code_are_truncated():
    errors = [{"loc": ["body", "prompt"], "msg": "x" * 1000, "type": "t" * 200}]
    result = parse_result(422, {"detail": errors})
    assert isinstance(result, Failed)
    assert len(result.error.message) == 300
    assert len(result.error.upstream_code or "") == 80


@pytest.mark.parametrize("body", [[], "text", None, 1])
def test_result_that_is_not_an_object_is_invalid(body: object):
    with pytest.raises(UpstreamProtocolError):
        parse_result(200, body)


def test_empty_file_fields_are_not_files():
    empty: dict[str, Any] = {"video": None, "images": [], "audio": {"url": ""}, "image": {}}
    assert parse_result(200, empty) == Succeeded()


def test_false_and_zero_are_sent_and_absent_fields_are_not():
    call = Fal().submit_request(job(prompt="p", seed=0, generate_audio=False))
    assert call.json == {"prompt": "p", "seed": 0, "generate_audio": False}


def test_arguments_of_the_model_replace_the_default_names():
    arguments = {"prompt": "{prompt}", "duration": "{seconds}s", "frame": "{image!link}"}
    model = ModelEntry(
        name="fal/m/1",
        inputs=(Role.IMAGE,),
        seconds=(8,),
        options={"style": Option(type="string")},
        arguments=arguments,
    )
    sent = job(
        prompt="p", seconds=8, inputs=[with_role(Role.IMAGE)], provider_options={"style": "x"}
    )
    call = Fal().submit_request(sent, model)
    assert call.path == "/m/1"
    assert call.json is not None
    assert isinstance(call.json.pop("frame"), JsonFile)
    assert call.json == {"prompt": "p", "duration": "8s", "style": "x"}


def test_model_without_arguments_has_the_default_names():
    call = Fal().submit_request(job(prompt="p", seconds=8), ModelEntry(name="fal/m/1"))
    assert call.json == {"prompt": "p", "duration": "8"}


def test_text_precedes_files_of_other_names():
    result = parse_result(200, {"text": "Hello", "subtitles_url": "https://files.example/s"})
    assert isinstance(result, Succeeded)
    assert result.outputs == ()
    assert result.document is not None
    assert result.document["text"] == "Hello"


def test_file_under_another_name_is_found():
    result = parse_result(200, {"video_url": "https://files.example/v", "seed": 1})
    assert isinstance(result, Succeeded)
    assert [output.url for output in result.outputs] == ["https://files.example/v"]


def test_each_protocol_has_its_key_scheme_and_supports_cancel():
    assert (Fal.profile.key_scheme, Pipelet.profile.key_scheme) == ("Key", "Bearer")
    for provider in (Fal(), Pipelet()):
        assert isinstance(provider, SupportsCancel)
        call = provider.cancel_request(OPERATION)
        assert (call.method, call.path) == ("PUT", OPERATION["cancel"])


@pytest.mark.parametrize(
    ("result", "names"),
    [
        (
            {
                "image": {"url": "https://f.example/t"},
                "output_video": {"url": "https://f.example/v"},
            },
            "vt",
        ),
        ({"images": ["https://f.example/t"], "final_video_url": "https://f.example/v"}, "vt"),
        ({"video": {"url": "https://f.example/v"}, "source_video_url": "https://f.example/s"}, "v"),
        ({"image": {"url": "https://f.example/t"}, "input_video_url": "https://f.example/s"}, "t"),
        ({"output": "https://f.example/v"}, "v"),
        ({"output": ["https://f.example/v"]}, "v"),
        ({"videoUrl": "https://f.example/v"}, "v"),
    ],
)
def test_thumbnail_does_not_hide_the_video(result: dict[str, object], names: str):
    found = parse_result(200, result)
    assert isinstance(found, Succeeded)
    assert [output.url for output in found.outputs] == [
        f"https://f.example/{name}" for name in names
    ]
    assert found.document is None


def test_text_may_be_a_url():
    found = parse_result(200, {"text": "https://f.example/page"})
    assert isinstance(found, Succeeded)
    assert found.document == {"text": "https://f.example/page"}


def test_video_beside_a_text_is_a_file():
    found = parse_result(200, {"output": "done", "video_file": {"url": "https://f.example/v"}})
    assert isinstance(found, Succeeded)
    assert [output.url for output in found.outputs] == ["https://f.example/v"]
