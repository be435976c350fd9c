from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import UpstreamProtocolError
from rushes.jobs.request import Role
from rushes.providers.base import Failed, PollResult, Succeeded
from rushes.providers.replicate.adapter import Replicate
from tests.unit.providers.job import job, json_reply, with_role

PATH = "/predictions/p1"


def parse_poll(**prediction: Any) -> PollResult:
    return Replicate().parse_poll({"id": "p1"}, json_reply({"id": "p1", **prediction}))


def succeeded(output: object) -> Succeeded:
    result = parse_poll(status="succeeded", output=output)
    assert isinstance(result, Succeeded)
    return result


def outputs(output: object) -> list[tuple[str, str | None, bool]]:
    return [(file.url, file.pointer, file.needs_key) for file in succeeded(output).outputs]


@pytest.mark.parametrize("output", [None, [], {}, "", [""], 7, [None], {"seed": 7}])
def test_empty_output_has_no_files(output: object):
    assert succeeded(output).outputs == ()


def test_file_url_needs_no_api_key():
    assert outputs("https://x.example/1.mp4") == [("https://x.example/1.mp4", None, False)]


def test_inline_file_has_a_pointer_into_the_reply():
    assert outputs("data:video/mp4;base64,AAAA") == [(PATH, "/output", True)]
    assert outputs({"images": ["data:image/png;base64,AAAA"]}) == [(PATH, "/output/images/0", True)]


def test_text_in_an_object_is_a_document_even_with_files():
    result = succeeded({"transcription": "so it was", "audio": "https://x.example/1.mp3"})
    assert result.outputs == ()
    assert result.document is not None
    assert result.document["text"] == "so it was"


URL = "https://x.example/1.mp4"
DATA = "data:video/mp4;base64,AAAA"


@pytest.mark.parametrize(
    ("output", "files"),
    [
        (URL, [(URL, None)]),
        ([URL, URL], [(URL, None), (URL, None)]),
        ([DATA, URL], [(PATH, "/output/0"), (URL, None)]),
        ([{"url": URL}], [(URL, None)]),
        ({"video": URL, "seed": 7}, [(URL, None)]),
        (
            {"videos": [{"url": URL}, {"data_uri": DATA}]},
            [(URL, None), (PATH, "/output/videos/1/data_uri")],
        ),
        ({"output": URL}, [(URL, None)]),
        ({"gif": URL, "depth": [DATA, URL]}, [(URL, None), (PATH, "/output/depth/0"), (URL, None)]),
        ({"a/b~c": DATA}, [(PATH, "/output/a~1b~0c")]),
        ({"note": "about https", "tags": [URL, 7]}, []),
        ({"data": {"result": {"video": {"url": URL}}}}, [(URL, None)]),
        ({"files": [{"href": URL}]}, [(URL, None)]),
        ([{"thumbnail": "https://x.example/1.jpg", "video": URL}], [(URL, None)]),
        (
            {"image": "https://x.example/1.jpg", "output_video": URL},
            [(URL, None), ("https://x.example/1.jpg", None)],
        ),
    ],
)
def test_output_yields_its_files_in_each_form(output: object, files: list[tuple[str, str | None]]):
    assert [(url, pointer) for url, pointer, _ in outputs(output)] == files


def test_model_with_arguments_sends_them_as_input():
    data = read_vendor("replicate")
    entry = next(model for model in data.entries() if model.name.endswith("/kling-v3-video"))
    request = job(
        "kwaivgi/kling-v3-video",
        prompt="a",
        seconds=3,
        size="1280x720",
        inputs=[with_role(Role.LAST_FRAME, "last"), with_role(Role.IMAGE, "first")],
    )
    call = Replicate().submit_request(request, entry)
    assert call.path == "/models/kwaivgi/kling-v3-video/predictions"
    sent = call.json["input"]
    assert (sent["start_image"].file.key, sent["end_image"].file.key) == ("first", "last")
    assert {**sent, "start_image": 1, "end_image": 2} == {
        "prompt": "a",
        "duration": 3,
        "mode": "standard",
        "aspect_ratio": "16:9",
        "start_image": 1,
        "end_image": 2,
    }


def test_failure_without_a_reason_has_a_default_message():
    result = parse_poll(status="failed")
    assert isinstance(result, Failed)
    assert result.error.message == "the provider gave no reason"


def test_prediction_without_an_id_is_invalid():
    with pytest.raises(UpstreamProtocolError):
        Replicate().parse_submit(json_reply({"status": "starting"}, 201))


@pytest.mark.parametrize("name", ["p1", "a/b", "../../models"])
def test_id_is_one_path_segment(name: str):
    path = Replicate().cancel_request({"id": name}).path
    assert path.startswith("/predictions/")
    assert path.count("/") == 3
