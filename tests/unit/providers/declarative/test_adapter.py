import re
from typing import Any

import pytest

from local.packaging import ROOT
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import read_catalog
from rushes.catalog.provider_config import FILE_NAMES, SIZE_NAMES, VALUE_NAMES, HttpProviderSpec
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.errors import (
    UpstreamError,
    UpstreamJobNotFound,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.jobs.request import Role
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply, JsonFile
from rushes.providers import limits
from rushes.providers.base import (
    Failed,
    FetchResult,
    Pending,
    Profile,
    Succeeded,
    SupportsCancel,
    parse_submitted,
)
from rushes.providers.declarative.adapter import DeclarativeProvider, from_spec
from tests.unit.providers.job import job, json_reply, with_role

MINIMAL: dict[str, Any] = {
    "create": {"path": "/tasks", "body": {"prompt": "{prompt}"}},
    "id": "/id",
    "poll": {"path": "/tasks/{id}"},
    "status": "/status",
    "statuses": {"done": "succeeded", "ill": "failed", "wait": "queued", "run": "pending"},
    "outputs": ["/url"],
}
ERROR_MAPPING = {"code": "/code", "message": "/message", "success": ["0"], "throttled": ["9"]}


def provider(**more: Any) -> Any:
    return from_spec(HttpProviderSpec.model_validate({**MINIMAL, **more}))


def body(template: dict[str, Any], **fields: Any) -> Any:
    adapter = provider(create={"path": "/tasks", "body": template})
    return adapter.submit_request(job("video-1", **fields)).json


def reply(code: int = 200, /, **fields: Any) -> HttpReply:
    return json_reply(fields, code)


def parse_poll(adapter: Any, **fields: Any) -> Any:
    return adapter.parse_poll({"id": "1"}, reply(**fields))


def test_placeholders_are_filled_with_request_values():
    values = {
        "model": "video-1",
        "prompt": "a fox",
        "seconds": 5,
        "seed": 0,
        "negative_prompt": "rain",
        "generate_audio": False,
        "size": "1280x720",
        "width": 1280,
        "height": 720,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "job_id": "job_1",
    }
    options = ("negative_prompt", "generate_audio")
    request = {name: values[name] for name in ("prompt", "seconds", "seed", "size", *options)}
    assert body({name: f"{{{name}}}" for name in values}, **request) == values


def test_text_form_converts_numbers_and_booleans():
    template = {"duration": "{seconds!text}", "audio": "{generate_audio!text}", "no": "{seed!text}"}
    sent = {"duration": "5", "audio": "true"}
    assert body(template, seconds=5, generate_audio=True) == sent


def test_absent_fields_are_left_out():
    names = ("prompt", "seconds", "width", "image", "reference")
    assert body({name: f"{{{name}}}" for name in names}) == {}


def test_files_are_data_urls_base64_or_links_and_references_a_list():
    files = (
        *(with_role(Role.IMAGE, "first"), with_role(Role.REFERENCE, "a")),
        with_role(Role.REFERENCE, "b"),
    )
    first, a, b = (each.file for each in files if each.file)
    template = {"x": "{image}", "y": "{image!base64}", "z": "{image!link}", "r": "{reference}"}
    assert body(template, inputs=files) == {
        "x": JsonFile(first, "data_url"),
        "y": JsonFile(first, "base64"),
        "z": JsonFile(first, "link"),
        "r": [JsonFile(a, "data_url"), JsonFile(b, "data_url")],
    }


def test_provider_options_are_added_at_the_top():
    sent = body({"prompt": "{prompt}"}, prompt="a fox", provider_options={"steps": 3})
    assert sent == {"prompt": "a fox", "steps": 3}


def test_path_may_have_the_model_and_every_request_has_the_headers():
    create = {"path": "/{model}/tasks", "body": {}}
    adapter = provider(create=create, headers={"x-async": "enable"}, cancel={"path": "/{id}/stop"})
    of_job = (adapter.poll_request({"id": "1"}), adapter.cancel_request({"id": "1"}))
    calls = (adapter.submit_request(job("video-1")), *of_job)
    assert [call.path for call in calls] == ["/video-1/tasks", "/tasks/1", "/1/stop"]
    assert all(call.headers == {"x-async": "enable"} for call in calls)


def test_create_path_is_the_model_s_and_calls_about_the_job_repeat_it():
    adapter = provider(create={"path": "{path}"}, poll={"path": "{path}/{id}"})
    model = ModelEntry(
        name="one/m", path="/images/generations", arguments={"n": 1, "text": "{prompt}"}
    )
    call = adapter.submit_request(job("video-1", prompt="a fox"), model)
    assert (call.path, call.json) == ("/images/generations", {"n": 1, "text": "a fox"})
    operation = parse_submitted(adapter, call, reply(id="a/b")).operation
    assert adapter.poll_request(operation).path == "/images/generations/a%2Fb"


def test_operation_has_no_path_if_no_call_needs_it():
    call = provider().submit_request(job("video-1"))
    assert parse_submitted(provider(), call, reply(id="1")).operation == {"id": "1"}


def test_model_without_a_path_uses_the_path_of_the_spec():
    model = ModelEntry(name="one/m", arguments={"text": "{prompt}"})
    call = provider().submit_request(job("video-1", prompt="a fox"), model)
    assert (call.path, call.json) == ("/tasks", {"text": "a fox"})


def test_create_call_may_have_headers_of_its_own():
    create = {"path": "/tasks", "headers": {"x-async": "enable"}}
    adapter = provider(create=create, headers={"version": "2"})
    sent = adapter.submit_request(job("video-1")).headers
    assert sent == {"version": "2", "x-async": "enable"}
    assert adapter.poll_request({"id": "1"}).headers == {"version": "2"}


def test_profile_is_from_the_spec():
    profile = provider(key_header="x-key", key_scheme="", min_poll_seconds=5).profile
    assert profile == Profile("x-key", "", 5)


def test_cancel_is_supported_only_with_a_cancel_table():
    assert not isinstance(provider(), SupportsCancel)
    adapter = provider(cancel={"method": "POST", "path": "/cancel", "body": {"task": "{id}"}})
    assert isinstance(adapter, SupportsCancel)
    call = adapter.cancel_request({"id": "a/b"})
    assert call is not None
    assert (call.method, call.path, call.json) == ("POST", "/cancel", {"task": "a/b"})


def test_id_is_one_path_segment():
    assert provider().poll_request({"id": "a/../b?c#d"}).path == "/tasks/a%2F..%2Fb%3Fc%23d"


@pytest.mark.parametrize(("value", "stored"), [("a", "a"), (7, "7")])
def test_id_is_text_or_a_number(value: object, stored: str):
    assert provider().parse_submit(reply(id=value)).operation == {"id": stored}


@pytest.mark.parametrize("value", [None, "", [], {}, 1.5])
def test_reply_without_an_id_is_invalid(value: object):
    with pytest.raises(UpstreamProtocolError, match="no id at /id"):
        provider().parse_submit(reply(id=value))


def test_statuses_are_mapped_by_the_spec():
    adapter = provider(progress="/share", progress_when_done=1)
    assert parse_poll(adapter, status="wait") == Pending(queued=True)
    assert parse_poll(adapter, status="run", share=0.4) == Pending(40)
    assert parse_poll(adapter, status="run", share="0.4") == Pending(40)
    assert parse_poll(adapter, status="run", share="soon") == Pending()
    for huge, percent in ((1e308, 100), (-1e308, 0), ("1e308", 100), (10**400, 100)):
        assert parse_poll(adapter, status="run", share=huge) == Pending(percent)
    assert isinstance(parse_poll(adapter, status="ill"), Failed)
    assert isinstance(parse_poll(adapter, status="done", url="https://x.example/1"), Succeeded)


def test_status_is_matched_in_any_case():
    adapter = provider(statuses={"Succeeded": "succeeded"})
    assert isinstance(parse_poll(adapter, status="SUCCEEDED"), Succeeded)


def test_status_may_mean_that_the_job_is_unknown():
    adapter = provider(statuses={**MINIMAL["statuses"], "lost": "not_found"})
    with pytest.raises(UpstreamJobNotFound):
        parse_poll(adapter, status="lost")


@pytest.mark.parametrize(("value", "name"), [(2, "2"), (True, "true")])
def test_status_may_be_a_number_or_a_boolean(value: object, name: str):
    adapter = provider(statuses={name: "succeeded"})
    assert isinstance(parse_poll(adapter, status=value), Succeeded)


@pytest.mark.parametrize("fields", [{}, {"status": None}, {"status": []}, {"status": {"a": 1}}])
def test_reply_without_a_status_is_invalid(fields: dict[str, Any]):
    with pytest.raises(UpstreamProtocolError, match="no status at /status"):
        parse_poll(provider(), **fields)


def test_outputs_are_read_from_each_pointer():
    adapter = provider(outputs=["/url", "/all/*/a~1b", "/deep/*/*"], outputs_need_key=True)
    urls = {"url": "1", "all": [{"a/b": "2"}, {}, {"a/b": ""}], "deep": [["3", "4"], "no"]}
    result = parse_poll(adapter, status="done", **urls)
    assert [output.url for output in result.outputs] == ["1", "2", "3", "4"]
    assert all(output.needs_key for output in result.outputs)


def test_output_that_is_not_text_is_invalid():
    with pytest.raises(UpstreamProtocolError, match="the value at /url is not a URL"):
        parse_poll(provider(), status="done", url=5)


@pytest.mark.parametrize(
    ("cost", "unit", "dollars"),
    [
        *((250, 0.001, 0.25), ("250", 0.001, 0.25), (0, 0.001, 0.0), (1e308, 0.001, 1e305)),
        (None, 0.001, None),
    ],
)
def test_cost_is_converted_to_dollars(cost: object, unit: float, dollars: float | None):
    adapter = provider(cost="/cost", cost_unit=unit)
    assert parse_poll(adapter, status="done", url="u", cost=cost).cost == dollars


@pytest.mark.parametrize(
    ("cost", "unit"),
    [
        *(("free", 0.001), (True, 0.001), ("nan", 0.001), (10**400, 0.001), (-5, 0.001)),
        *(([], 0.001), ({}, 0.001), ("9" * 100, 0.001), (1e308, 1000)),
    ],
)
def test_cost_that_is_no_plausible_number_is_ignored_with_a_warning(cost: object, unit: float):
    adapter = provider(cost="/cost", cost_unit=unit)
    result = parse_poll(adapter, status="done", url="u", cost=cost)
    checked = limits.check_result(result, 0.1)
    assert isinstance(checked, Succeeded)
    assert (checked.cost, checked.outputs) == (None, result.outputs)
    assert "the provider's cost is ignored" in checked.warnings[0]


def test_result_request_has_values_of_the_poll_reply():
    adapter = provider(result={"path": "/files?f={file}&t={id}", "values": {"file": "/file"}})
    fetch = parse_poll(adapter, status="done", file=7)
    assert isinstance(fetch, FetchResult)
    assert fetch.call.path == "/files?f=7&t=1"
    with pytest.raises(UpstreamProtocolError, match="no file at /file"):
        parse_poll(adapter, status="done")


def test_error_code_is_read_only_with_a_refusal_table():
    adapter = provider(refusal=ERROR_MAPPING)
    assert provider().parse_submit(reply(id="1", code="5")).operation == {"id": "1"}
    with pytest.raises(UpstreamRefused, match="the provider refused the request: no"):
        adapter.parse_submit(reply(id="1", code=5, message="no"))
    assert adapter.parse_submit(reply(id="1", code=0)).operation == {"id": "1"}


def test_refusal_without_the_mapped_code_has_the_http_status():
    with pytest.raises(UpstreamRefused, match=r"refused the request \(400\): odd"):
        provider(refusal=ERROR_MAPPING).parse_submit(reply(400, error={"message": "odd"}))
    with pytest.raises(UpstreamRefused, match=r"refused the request \(400\)"):
        provider(refusal=ERROR_MAPPING).parse_submit(HttpReply(400, {}, b"<html>"))


def test_throttled_code_has_the_retry_after_of_the_reply():
    with pytest.raises(UpstreamThrottled) as throttled:
        provider(refusal=ERROR_MAPPING).parse_submit(json_reply({"code": 9}, 429, retry_after="4"))
    assert throttled.value.wait_seconds == 4


FINAL = {"code": "/code", "message": "/message", "final": ["Quota*"], "content_filtered": ["Bad*"]}


def test_final_code_with_status_429_is_not_repeated():
    adapter = provider(refusal=FINAL)
    with pytest.raises(UpstreamRefused, match="no balance") as refused:
        adapter.parse_submit(reply(429, code="Quota.Day", message="no balance"))
    assert refused.value.upstream_code == "Quota.Day"
    with pytest.raises(UpstreamRefused) as filtered:
        adapter.parse_submit(reply(429, code="BadImage", message="not this one"))
    assert filtered.value.error_code == "content_filtered"


@pytest.mark.parametrize(
    "busy",
    [
        json_reply({"code": "Rate", "message": "slow down"}, 429, retry_after="4"),
        HttpReply(429, {"retry-after": "4"}, b"<html>"),
    ],
)
def test_other_reply_with_status_429_is_throttled_if_final_codes_are_listed(busy: HttpReply):
    with pytest.raises(UpstreamThrottled) as throttled:
        provider(refusal=FINAL).parse_submit(busy)
    assert throttled.value.wait_seconds == 4


def test_code_with_an_asterisk_matches_its_beginning_only():
    error = parse_poll(provider(refusal=FINAL), status="ill", code="Bad.Image").error
    assert error.code == "content_filtered"
    error = parse_poll(provider(refusal=FINAL), status="ill", code="NotBad").error
    assert error.code == "upstream_failed"


def test_throttled_and_final_codes_exclude_each_other():
    with pytest.raises(ValueError, match="exclude each other"):
        provider(refusal={**FINAL, "throttled": ["9"]})


@pytest.mark.parametrize("path", ["tasks", "{paths}/x", "{path} x", "/tasks/{id}"])
def test_create_path_begins_with_a_slash_or_the_path_of_the_model(path: str):
    with pytest.raises(ValueError, match="path"):
        provider(create={"path": path})


def test_failure_without_a_mapping_has_the_status_as_code():
    error = parse_poll(provider(), status="ill").error
    assert (error.code, error.upstream_code) == ("upstream_failed", "ill")
    assert error.message == "the provider gave no reason"


def test_long_code_and_message_are_truncated():
    adapter = provider(refusal=ERROR_MAPPING)
    error = parse_poll(adapter, status="ill", code="c" * 500, message="m" * 500).error
    assert (len(error.upstream_code), len(error.message)) == (80, 300)


@pytest.mark.parametrize("name", vendor_names())
def test_specs_of_the_vendors_are_valid(name: str):
    entry = read_vendor(name).vendor.provider()
    assert (entry.spec is not None) == (entry.protocol == "declarative")
    if entry.spec:
        assert isinstance(from_spec(entry.spec), DeclarativeProvider)


def test_example_of_the_documentation_is_valid():
    page = (ROOT / "docs/describing-a-provider.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    read = read_catalog('default_model = "tasks/video-1"\n' + example)
    entry = read.providers["tasks"].spec
    assert entry
    sent = from_spec(entry).submit_request(job("video-1", prompt="a fox", seconds=5)).json
    assert sent == {"model": "video-1", "prompt": "a fox", "seconds": 5}


def test_every_spec_key_is_documented():
    page = (ROOT / "docs/describing-a-provider.md").read_text("utf-8")
    placeholders = (f"{{{name}}}" for name in FILE_NAMES | SIZE_NAMES | VALUE_NAMES)
    for name in (*HttpProviderSpec.model_fields, *placeholders):
        assert f"`{name}`" in page


@pytest.mark.parametrize(
    ("location", "job_id"),
    [
        ("/tasks/7", "7"),
        ("tasks/7?wait=1", "7"),
        ("https://polls.example/v2/7/", "7"),
        ("//polls.example/7", "7"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b'{"id": null}'])
def test_location_of_an_accepted_job_is_polled(location: str, job_id: str, body: bytes):
    adapter = provider(headers={"version": "2"})
    submitted = adapter.parse_submit(HttpReply(202, {"location": location}, body))
    assert submitted.operation == {"id": job_id, "url": location}
    assert adapter.poll_request(submitted.operation) == HttpCall(
        "GET", location, headers={"version": "2"}, relative_to="/tasks"
    )


def test_id_in_the_body_precedes_the_location():
    answer = HttpReply(201, {"location": "/elsewhere"}, b'{"id": "7"}')
    assert provider().parse_submit(answer).operation == {"id": "7"}


@pytest.mark.parametrize("status", [400, 405, 415, 422, 451])
def test_refusal_in_place_of_the_result_fails_the_job(status: int):
    adapter = provider(result={"path": "/results/{id}"})
    result = adapter.parse_result({"id": "1"}, reply(status, message="the video was deleted"))
    assert isinstance(result, Failed)
    assert "the video was deleted" in result.error.message


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 410, 425, 429, 500, 503])
def test_error_in_place_of_the_result_that_may_pass_is_raised(status: int):
    adapter = provider(result={"path": "/results/{id}"})
    with pytest.raises(UpstreamError):
        adapter.parse_result({"id": "1"}, reply(status))


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("../1.mp4", Output(url="../1.mp4", needs_key=True, relative_to="/tasks/1")),
        ({"url": "https://f.example/1"}, Output(url="https://f.example/1")),
        ("A" * 400, Output(url="/tasks/1", needs_key=True, pointer="/url")),
        ("data:;base64,AA", Output(url="/tasks/1", needs_key=True, pointer="/url")),
    ],
)
def test_output_is_a_url_a_reference_an_object_or_inline(value: object, output: Output):
    result = parse_poll(provider(), status="done", url=value)
    assert isinstance(result, Succeeded)
    assert result.outputs == (output,)
