"""What a call carries, with the files put in that it names."""

import base64
from typing import Literal

import pytest

from rushes.errors import InvalidInputFile
from rushes.http import request_body
from rushes.http.request_body import content_of
from rushes.jobs.request import StoredFile, Upload
from rushes.ports import FormFile, HttpCall, JsonFile
from tests.fakes import FakeBlobs

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
KEY = "inputs/demo/job_1/upload-0"
Form = Literal["data_url", "base64", "link"]


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs()


@pytest.fixture
def picture(blobs: FakeBlobs) -> StoredFile:
    return blobs.put(KEY, Upload("image", "image/png", PNG))


def test_a_call_of_nothing_carries_nothing(blobs: FakeBlobs):
    assert content_of(HttpCall("GET", "/x"), blobs) == {}


@pytest.mark.parametrize(
    "plain", [{}, [], "", 0, False, {"a": [1, None, {"b": "data:image/png"}]}, ["x", [], {}]]
)
def test_json_without_files_is_carried_as_it_is(blobs: FakeBlobs, plain: object):
    assert content_of(HttpCall("POST", "/x", json=plain), blobs) == {"json": plain}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("data_url", "data:image/png;base64," + base64.b64encode(PNG).decode()),
        ("base64", base64.b64encode(PNG).decode()),
        ("link", f"https://bucket.example/{KEY}?filename=upload-0"),
    ],
)
def test_a_file_is_put_in_as_the_provider_wants_it(
    blobs: FakeBlobs, picture: StoredFile, form: Form, text: str
):
    call = HttpCall("POST", "/x", json={"image": JsonFile(picture, form)})
    assert content_of(call, blobs) == {"json": {"image": text}}


def test_files_are_put_in_wherever_they_stand(blobs: FakeBlobs, picture: StoredFile):
    file, text = JsonFile(picture, "base64"), base64.b64encode(PNG).decode()
    json = {"deep": [{"a": file, "b": 1}, (file, [file])], "prompt": "a red ball"}
    call = HttpCall("POST", "/x", json=json)
    filled = {"deep": [{"a": text, "b": 1}, [text, [text]]], "prompt": "a red ball"}
    assert content_of(call, blobs) == {"json": filled}
    assert content_of(HttpCall("POST", "/x", json=file), blobs) == {"json": text}
    assert content_of(HttpCall("POST", "/x", json=[file]), blobs) == {"json": [text]}
    assert json["deep"][0] == {"a": file, "b": 1}, "the call itself stays as it was"


def test_a_form_carries_words_and_files(blobs: FakeBlobs, picture: StoredFile):
    form: dict[str, str | FormFile] = {"prompt": "", "image": FormFile("a.png", picture)}
    content = content_of(HttpCall("POST", "/x", form=form), blobs)
    filename, file, kind = content["files"].pop("image")
    assert (filename, file.read(), kind) == ("a.png", PNG, "image/png")
    assert content == {"files": {"prompt": (None, "", None)}}


@pytest.mark.parametrize("form", ["data_url", "base64"])
@pytest.mark.parametrize("excess", [0, 1])
def test_a_file_goes_in_up_to_the_limit_and_not_beyond(
    blobs: FakeBlobs,
    picture: StoredFile,
    monkeypatch: pytest.MonkeyPatch,
    form: Form,
    excess: int,
):
    monkeypatch.setattr(request_body, "FILE_BYTES", len(PNG) - excess)
    call = HttpCall("POST", "/x", json={"image": JsonFile(picture, form)})
    if not excess:
        assert content_of(call, blobs)["json"]["image"]
        return
    with pytest.raises(InvalidInputFile, match=f"{len(PNG)} bytes is too large to be sent"):
        content_of(call, blobs)


def test_a_file_that_is_linked_to_may_have_any_length(blobs: FakeBlobs):
    """Nobody has to hold it, nor even to look whether it is there."""
    film = StoredFile(key="a/film.mp4", content_type="video/mp4", size=request_body.FILE_BYTES + 1)
    call = HttpCall("POST", "/x", json={"video": JsonFile(film, "link")})
    linked = "https://bucket.example/a/film.mp4?filename=film.mp4"
    assert content_of(call, blobs) == {"json": {"video": linked}}


@pytest.mark.parametrize("form", ["data_url", "base64"])
def test_a_file_that_is_gone_is_a_fault_of_the_job(
    blobs: FakeBlobs, picture: StoredFile, form: Form
):
    blobs.objects.clear()
    with pytest.raises(InvalidInputFile, match="is gone"):
        content_of(HttpCall("POST", "/x", json=[JsonFile(picture, form)]), blobs)
