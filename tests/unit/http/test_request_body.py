import base64
from typing import Literal

import pytest

from rushes.errors import InvalidInputFile
from rushes.http.request_body import content_of
from rushes.jobs.request import StoredFile, Upload
from rushes.ports.http import BucketFolder, FormFile, HttpCall, JsonFile
from rushes.providers import file_sizes
from tests.fakes import FakeBlobs

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
KEY = "inputs/demo/job_1/upload-0"
Form = Literal["data_url", "base64", "link"]


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs()


@pytest.fixture
def image_file(blobs: FakeBlobs) -> StoredFile:
    return blobs.put(KEY, Upload("image", "image/png", PNG))


def test_content_of_empty_call_is_empty(blobs: FakeBlobs):
    assert content_of(HttpCall("GET", "/x"), blobs) == {}


@pytest.mark.parametrize(
    "plain", [{}, [], "", 0, False, {"a": [1, None, {"b": "data:image/png"}]}, ["x", [], {}]]
)
def test_content_of_json_without_files_is_unchanged(blobs: FakeBlobs, plain: object):
    assert content_of(HttpCall("POST", "/x", json=plain), blobs) == {"json": plain}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("data_url", "data:image/png;base64," + base64.b64encode(PNG).decode()),
        ("base64", base64.b64encode(PNG).decode()),
        ("link", f"https://bucket.example/{KEY}?filename=upload-0"),
    ],
)
def test_content_of_embeds_a_file_in_each_form(
    blobs: FakeBlobs, image_file: StoredFile, form: Form, text: str
):
    call = HttpCall("POST", "/x", json={"image": JsonFile(image_file, form)})
    assert content_of(call, blobs) == {"json": {"image": text}}


def test_content_of_names_a_folder_of_the_bucket_by_its_uri(blobs: FakeBlobs):
    call = HttpCall("POST", "/x", json={"output": {"uri": BucketFolder("provider/demo/job_1/")}})
    expected = {"output": {"uri": "s3://bucket/provider/demo/job_1/"}}
    assert content_of(call, blobs) == {"json": expected}


def test_content_of_fields_is_urlencoded(blobs: FakeBlobs):
    call = HttpCall("POST", "/x", fields={"a": "1 2"})
    assert content_of(call, blobs) == {"data": {"a": "1 2"}}


def test_content_of_embeds_files_at_any_depth(blobs: FakeBlobs, image_file: StoredFile):
    file, text = JsonFile(image_file, "base64"), base64.b64encode(PNG).decode()
    json = {"deep": [{"a": file, "b": 1}, (file, [file])], "prompt": "a red ball"}
    call = HttpCall("POST", "/x", json=json)
    expected = {"deep": [{"a": text, "b": 1}, [text, [text]]], "prompt": "a red ball"}
    assert content_of(call, blobs) == {"json": expected}
    assert content_of(HttpCall("POST", "/x", json=file), blobs) == {"json": text}
    assert content_of(HttpCall("POST", "/x", json=[file]), blobs) == {"json": [text]}
    assert json["deep"][0] == {"a": file, "b": 1}


def test_content_of_form_has_text_and_files(blobs: FakeBlobs, image_file: StoredFile):
    form: dict[str, str | FormFile] = {"prompt": "", "image": FormFile("a.png", image_file)}
    content = content_of(HttpCall("POST", "/x", form=form), blobs)
    filename, file, content_type = content["files"].pop("image")
    assert (filename, file.read(), content_type) == ("a.png", PNG, "image/png")
    assert content == {"files": {"prompt": (None, "", None)}}


@pytest.mark.parametrize("form", ["data_url", "base64"])
def test_content_of_refuses_a_file_over_the_limit(
    blobs: FakeBlobs, image_file: StoredFile, monkeypatch: pytest.MonkeyPatch, form: Form
):
    call = HttpCall("POST", "/x", json={"image": JsonFile(image_file, form)})
    monkeypatch.setattr(file_sizes, "MAX_EMBEDDED_BYTES", len(PNG))
    assert content_of(call, blobs)["json"]["image"]
    monkeypatch.setattr(file_sizes, "MAX_EMBEDDED_BYTES", len(PNG) - 1)
    with pytest.raises(InvalidInputFile, match=rf"\(got {len(PNG)}\)"):
        content_of(call, blobs)


def test_content_of_links_a_file_of_any_size(blobs: FakeBlobs):
    """A link needs no memory and no request."""
    size = file_sizes.MAX_FILE_BYTES + 1
    video = StoredFile(key="a/video.mp4", content_type="video/mp4", size=size)
    call = HttpCall("POST", "/x", json={"video": JsonFile(video, "link")})
    linked = "https://bucket.example/a/video.mp4?filename=video.mp4"
    assert content_of(call, blobs) == {"json": {"video": linked}}


@pytest.mark.parametrize("form", ["data_url", "base64"])
def test_missing_file_is_an_invalid_input_file(
    blobs: FakeBlobs, image_file: StoredFile, form: Form
):
    blobs.objects.clear()
    with pytest.raises(InvalidInputFile, match="no longer exists"):
        content_of(HttpCall("POST", "/x", json=[JsonFile(image_file, form)]), blobs)


@pytest.mark.parametrize("form", ["data_url", "base64"])
def test_content_of_bounds_all_embedded_files_together(
    blobs: FakeBlobs, image_file: StoredFile, monkeypatch: pytest.MonkeyPatch, form: Form
):
    file = JsonFile(image_file, form)
    call = HttpCall("POST", "/x", json={"frames": [file, {"last": (file,)}], "text": "x"})
    monkeypatch.setattr(file_sizes, "MAX_EMBEDDED_BYTES", 2 * len(PNG))
    assert content_of(call, blobs)["json"]["frames"]
    monkeypatch.setattr(file_sizes, "MAX_EMBEDDED_BYTES", 2 * len(PNG) - 1)
    with pytest.raises(InvalidInputFile, match=rf"\(got {2 * len(PNG)}\)"):
        content_of(call, blobs)


def test_content_of_does_not_count_linked_files(
    blobs: FakeBlobs, image_file: StoredFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_sizes, "MAX_EMBEDDED_BYTES", len(PNG))
    files = [JsonFile(image_file, "link"), JsonFile(image_file, "base64")]
    assert len(content_of(HttpCall("POST", "/x", json=files), blobs)["json"]) == 2


def test_content_of_bounds_all_files_of_a_form_together(
    blobs: FakeBlobs, image_file: StoredFile, monkeypatch: pytest.MonkeyPatch
):
    form: dict[str, str | FormFile] = {
        "first": FormFile("a.png", image_file),
        "last": FormFile("b.png", image_file),
        "x": "y",
    }
    monkeypatch.setattr(file_sizes, "MAX_FILE_BYTES", 2 * len(PNG) - 1)
    with pytest.raises(InvalidInputFile, match=rf"\(got {2 * len(PNG)}\)"):
        content_of(HttpCall("POST", "/x", form=form), blobs)
