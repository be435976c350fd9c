from typing import Any

import pytest

from rushes.errors import UpstreamProtocolError
from rushes.providers.base import Failed, PollResult, Succeeded
from rushes.providers.replicate.adapter import Replicate
from tests.unit.providers.job import json_reply

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
