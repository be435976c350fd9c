from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.errors import (
    ProviderNotConfigured,
    UpstreamJobNotFound,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.ports.http import HttpReply
from rushes.providers.base import Pending, Submitted, Succeeded, SupportsCancel, SupportsLookup
from rushes.providers.kling.kling import Kling
from tests.unit.providers.job import job, json_reply

TASK = {"id": "7", "external_id": "job_1-1", "status": "succeeded"}
BILL = {"charge_type": "unit", "amount": "2", "package_type": "video"}


def poll(**task: Any) -> Any:
    body = {"code": 0, "data": [{**TASK, **task}]}
    return Kling().parse_poll({"id": "7"}, json_reply(body))


def test_job_has_the_key_of_its_create_call_beside_the_model_s_options():
    arguments = {"prompt": "{prompt}", "options": {"watermark_info": {"enabled": True}}}
    model = ModelEntry(name="kling/m", path="/text-to-video/m", arguments=arguments)
    call = Kling().submit_request(job(prompt="a fox"), model)
    assert (call.method, call.path) == ("POST", "/text-to-video/m")
    assert call.json == {
        "prompt": "a fox",
        "options": {"watermark_info": {"enabled": True}, "external_task_id": "job_1-1"},
    }


@pytest.mark.parametrize("model", [None, ModelEntry(name="kling/m")])
def test_model_without_arguments_is_not_configured(model: ModelEntry | None):
    with pytest.raises(ProviderNotConfigured, match="requires `path` and `arguments`"):
        Kling().submit_request(job(), model)


def test_vendor_promises_what_the_adapter_can():
    vendor = read_vendor("kling").vendor
    assert vendor.idempotency == "lookup"
    assert isinstance(Kling(), SupportsLookup) is vendor.lookup
    assert isinstance(Kling(), SupportsCancel) is vendor.cancel


def test_task_is_found_among_others_by_its_id():
    tasks = [{**TASK, "id": "8", "status": "failed"}, {**TASK, "status": "processing"}]
    found = Kling().parse_poll({"id": "7"}, json_reply({"code": 0, "data": tasks}))
    assert found == Pending()
    with pytest.raises(UpstreamJobNotFound):
        Kling().parse_poll({"id": "9"}, json_reply({"code": 0, "data": tasks}))


def test_id_is_escaped_in_the_query():
    assert Kling().poll_request({"id": "a&b=c"}).path == "/tasks?task_ids=a%26b%3Dc"


@pytest.mark.parametrize(
    ("output", "url"),
    [
        ({"type": "video", "url": "https://a/1.mp4", "watermark_url": "https://a/2.mp4"}, "/1.mp4"),
        ({"type": "video", "url": "", "watermark_url": "https://a/2.mp4"}, "/2.mp4"),
        ({"type": "image", "url": "https://a/1.png"}, "/1.png"),
        ({"type": "audio", "mp3_url": "https://a/1.mp3", "wav_url": "https://a/1.wav"}, "/1.mp3"),
        ({"type": "audio", "wav_url": "https://a/1.wav"}, "/1.wav"),
    ],
)
def test_each_form_of_an_output_has_one_file(output: dict[str, str], url: str):
    result = poll(outputs=[output])
    assert isinstance(result, Succeeded)
    assert [found.url for found in result.outputs] == [f"https://a{url}"]


@pytest.mark.parametrize("outputs", [None, [], [{}], [{"type": "video", "url": ""}]])
def test_success_without_a_file_has_no_outputs(outputs: object):
    assert poll(outputs=outputs).outputs == ()


@pytest.mark.parametrize(
    ("billing", "cost"),
    [
        (None, None),
        ([], None),
        ([BILL], 0.28),
        ([BILL, BILL], 0.56),
        ([{**BILL, "package_type": "image"}], 0.007),
        ([{**BILL, "package_type": "new"}], None),
        ([{**BILL, "amount": None}], None),
        ([BILL, {**BILL, "charge_type": "new"}], None),
        ([{"charge_type": "cash", "amount": 0.5, "currency": "USD"}], 0.5),
        ([{"charge_type": "cash", "amount": "0.5", "currency": "USD"}, BILL], 0.78),
        ([{"charge_type": "cash", "amount": 3.5, "currency": "CNY"}], None),
    ],
)
def test_cost_is_the_sum_of_the_bill_if_all_parts_are_known(billing: object, cost: float | None):
    assert poll(billing=billing).cost == cost


@pytest.mark.parametrize("code", [1100, 1101, 1102, 1304])
def test_some_replies_with_status_429_are_final(code: int):
    reply = json_reply({"code": code, "message": "no balance"}, 429)
    with pytest.raises(UpstreamRefused) as refused:
        Kling().parse_submit(reply)
    assert refused.value.upstream_code == str(code)


@pytest.mark.parametrize("reply", [json_reply({"code": 1303}, 429), HttpReply(429, {}, b"<html>")])
def test_other_replies_with_status_429_are_throttled(reply: HttpReply):
    with pytest.raises(UpstreamThrottled):
        Kling().parse_submit(reply)


def test_lookup_finds_the_task_of_the_same_create_call_only():
    data = [{**TASK, "external_id": "job_1-2"}, TASK]
    found = Kling().parse_lookup(job(), json_reply({"code": 0, "data": data}))
    assert found == Submitted({"id": "7"})
    assert Kling().parse_lookup(job(), json_reply({"code": 0, "data": data[:1]})) is None
    with pytest.raises(UpstreamThrottled):
        Kling().parse_lookup(job(), json_reply({"code": 5001}, 503))
