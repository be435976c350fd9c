"""What a prediction's output may be, apart from what transcripts show."""

import json
from typing import Any

import pytest

from rushes.errors import UpstreamProtocolError
from rushes.ports import HttpReply
from rushes.providers.base import Failed, PollResult, Succeeded
from rushes.providers.replicate.adapter import Replicate

PLACE = "/predictions/p1"


def polled(**prediction: Any) -> PollResult:
    body = json.dumps({"id": "p1", **prediction}).encode()
    return Replicate().polled({"id": "p1"}, HttpReply(200, {}, body))


def succeeded(output: object) -> Succeeded:
    result = polled(status="succeeded", output=output)
    assert isinstance(result, Succeeded)
    return result


def places(output: object) -> list[tuple[str, str | None, bool]]:
    return [(it.url, it.pointer, it.needs_key) for it in succeeded(output).outputs]


@pytest.mark.parametrize("output", [None, [], {}, "", [""], 7, [None], {"seed": 7}])
def test_an_output_of_nothing_is_no_file(output: object):
    assert succeeded(output).outputs == ()


def test_files_are_fetched_without_the_key():
    assert places("https://x.example/1.mp4") == [("https://x.example/1.mp4", None, False)]


def test_a_file_by_value_is_pointed_at_where_it_stands():
    assert places("data:video/mp4;base64,AAAA") == [(PLACE, "/output", True)]
    assert places({"images": ["data:image/png;base64,AAAA"]}) == [(PLACE, "/output/images/0", True)]


def test_words_in_an_object_are_a_document_whatever_files_go_with_them():
    result = succeeded({"transcription": "so it was", "audio": "https://x.example/1.mp3"})
    assert result.outputs == ()
    assert result.document is not None
    assert result.document["text"] == "so it was"


def test_the_reason_of_a_failure_may_be_missing():
    result = polled(status="failed")
    assert isinstance(result, Failed)
    assert result.error.message == "the provider gave no reason"


def test_a_prediction_without_an_id_makes_no_sense():
    with pytest.raises(UpstreamProtocolError):
        Replicate().submitted(HttpReply(201, {}, b'{"status": "starting"}'))


@pytest.mark.parametrize("name", ["p1", "a/b", "../../models"])
def test_an_id_stays_one_segment_of_the_path(name: str):
    path = Replicate().cancel({"id": name}).path
    assert path.startswith("/predictions/")
    assert path.count("/") == 3
