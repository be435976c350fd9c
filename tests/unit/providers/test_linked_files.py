"""Result URLs in the places where vendors and gateways put them."""

from typing import Any

import pytest

from rushes.jobs.result import Output
from rushes.providers.base import Provider, Succeeded
from rushes.providers.fal_queue.fal_queue import Fal
from rushes.providers.minimax.adapter import MiniMax
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.providers.openrouter.adapter import OpenRouter
from rushes.providers.results import is_reference, linked_files
from rushes.providers.runway.adapter import Runway
from rushes.providers.together.adapter import Together
from rushes.providers.xai.adapter import XAI
from tests.unit.providers.job import json_reply

URL = "https://files.example/1.mp4"
CONTENT = Output(url="/videos/1/content", needs_key=True)
PLACES: dict[str, dict[str, Any]] = {
    "video.url": {"video": {"url": URL}},
    "video": {"video": URL},
    "video_url": {"video_url": URL},
    "url": {"url": URL},
    "urls": {"urls": [URL]},
    "output": {"output": URL},
    "output list": {"output": [URL]},
    "output.url": {"output": {"url": URL}},
    "output.video_url": {"output": {"video_url": URL}},
    "outputs.video_url": {"outputs": {"video_url": URL, "cost": 1}},
    "videos": {"videos": [{"type": "url", "url": URL}]},
    "videos of texts": {"videos": [URL]},
    "data": {"data": [{"url": URL}]},
    "data.video.url": {"data": {"video": {"url": URL}}},
    "result.video": {"result": {"video": URL}},
    "result.data.url": {"result": {"data": [{"url": URL}]}},
    "assets.video": {"assets": {"video": URL, "thumbnail": "https://files.example/1.jpg"}},
    "response.videos.uri": {"response": {"videos": [{"uri": URL}]}},
    "generations.url": {"generations": [{"url": URL}]},
    "download_url": {"download_url": URL},
    "videoUrl": {"videoUrl": URL},
    "result.downloadURL": {"result": {"downloadURL": URL}},
    "video.signed_url": {"video": {"signed_url": URL}},
    "generatedVideos.video.uri": {"generatedVideos": [{"video": {"uri": URL}}]},
    "creations.url": {"creations": [{"url": URL}]},
    "media.url": {"media": [{"url": URL}]},
    "outputs.video.file.url": {"outputs": {"video": [{"file": {"url": URL}}]}},
    "output beside the source": {"video": "https://inputs.example/4.mp4", "output": {"url": URL}},
    "result beside the source": {"video_url": "https://inputs.example/5.mp4", "result": [URL]},
    "upper-case scheme": {"url": URL.replace("https", "HTTPS")},
}
INPUTS: dict[str, Any] = {
    "input_reference": "https://inputs.example/1.png",
    "image_url": "https://inputs.example/2.png",
    "video_uri": "https://inputs.example/3.mp4",
    "status_url": "https://provider.example/status",
    "callback_url": "https://client.example/hook",
    "thumbnail_url": "https://files.example/1.jpg",
    "prompt": "see https://example.org",
}


@pytest.mark.parametrize("place", PLACES)
def test_url_is_found_in_each_place_and_the_content_is_the_fallback(place: str):
    body = {"id": "1", "status": "done", **INPUTS, **PLACES[place]}
    result = OpenAICompatible().parse_poll({"id": "1"}, json_reply(body))
    assert isinstance(result, Succeeded)
    (output,) = result.outputs
    assert output.url.lower() == URL
    assert output.fallback == CONTENT


@pytest.mark.parametrize("place", PLACES)
def test_together_finds_the_url_in_each_place(place: str):
    body = {"id": "1", "status": "completed", **PLACES[place]}
    result = Together().parse_poll({"id": "1"}, json_reply(body))
    assert isinstance(result, Succeeded)
    assert [output.url.lower() for output in result.outputs] == [URL]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("provider", "done"),
    [
        (Runway(), {"id": "1", "status": "SUCCEEDED"}),
        (XAI(), {"status": "done"}),
        (OpenRouter(), {"id": "1", "status": "completed"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_adapters_find_the_url_in_each_place(
    place: str, provider: Provider, done: dict[str, Any]
):
    if isinstance(provider, OpenRouter) and place == "urls":
        return  # OpenRouter's own field, whose files are read from the content route
    if isinstance(provider, XAI) and place == "output beside the source":
        return  # `video` is xAI's own field of the result
    result = provider.parse_poll({"id": "1"}, json_reply({**done, **PLACES[place]}))
    assert isinstance(result, Succeeded)
    assert [output.url.lower() for output in result.outputs] == [URL]


@pytest.mark.parametrize("place", PLACES)
def test_minimax_finds_the_url_in_each_place(place: str):
    operation = {"id": "1", "path": "/v2/video_generation"}
    task = {"status": "succeeded", **PLACES[place]}
    result = MiniMax().parse_poll(operation, json_reply({"task": task}))
    assert isinstance(result, Succeeded)
    assert [output.url.lower() for output in result.outputs] == [URL]


def test_urls_of_inputs_are_no_result():
    result = OpenAICompatible().parse_poll(
        {"id": "1"}, json_reply({"id": "1", "status": "completed", **INPUTS})
    )
    assert result == Succeeded((CONTENT,))


DATA_URL = "data:video/mp4;codecs=avc1;base64,AAAA"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"url": DATA_URL}, "/url"),
        ({"video": DATA_URL}, "/video"),
        ({"output": [DATA_URL]}, "/output/0"),
        ({"result": {"videoUrl": DATA_URL}}, "/result/videoUrl"),
        ({"videos": [{"bytesBase64Encoded": "AAAA"}]}, "/videos/0/bytesBase64Encoded"),
        ({"video": {"data": "AAAA"}}, "/video/data"),
    ],
)
@pytest.mark.parametrize("provider", [OpenAICompatible(), Runway(), Together()])
def test_data_url_and_base64_are_files_in_the_reply(
    fields: dict[str, Any], pointer: str, provider: Provider
):
    result = provider.parse_poll({"id": "1"}, json_reply({"id": "1", "status": "done", **fields}))
    assert isinstance(result, Succeeded)
    assert [output.pointer for output in result.outputs] == [pointer]


@pytest.mark.parametrize("name", ["base64", "b64_json", "data_uri"])
def test_file_in_the_reply_is_read_by_its_pointer(name: str):
    body = {"id": "1", "status": "completed", "videos": [{"type": "base64", name: "AAAA"}]}
    result = OpenAICompatible().parse_poll({"id": "1"}, json_reply(body))
    assert isinstance(result, Succeeded)
    (output,) = result.outputs
    assert (output.url, output.pointer) == ("/videos/1", f"/videos/0/{name}")


def test_each_of_several_videos_is_an_output():
    videos = [{"url": f"https://files.example/{number}"} for number in range(3)]
    outputs = linked_files("/videos/1", {"videos": videos, "url": None})
    assert [output.url for output in outputs] == [video["url"] for video in videos]


@pytest.mark.parametrize("url", ["1.mp4", "../1.mp4", "/files/1", "//cdn.example/1", "?file=1"])
def test_reference_is_relative_to_the_reply(url: str):
    expected = Output(url=url, needs_key=True, relative_to="/videos/1")
    assert linked_files("/videos/1", {"video": {"url": url}}) == (expected,)
    result = Fal().parse_result({"result": "/a/b/requests/1"}, json_reply({"video": {"url": url}}))
    assert isinstance(result, Succeeded)
    assert result.outputs == (expected.model_copy(update={"relative_to": "/a/b/requests/1"}),)


@pytest.mark.parametrize(
    "text",
    [
        *("AAAA", "AA+/", "/9j/4AAQSkZJRgABAQ", "a sentence. Or two", "data:video/mp4;base64,AA"),
        *("s3://bucket/key", "x" * 9000 + ".mp4", "line\nbreak.mp4", ""),
    ],
)
def test_other_texts_are_no_references(text: str):
    assert not is_reference(text)
