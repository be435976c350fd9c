"""Tests of `input_reference`: files, data URLs and http(s) URLs."""

import base64
from typing import Any

import pytest

from rushes.jobs.request import Input, Role
from tests.unit.dialects.api_client import FIELDS, PNG, VIDEO, Caller, assert_refused

URL = "https://images.example/cat.png?width=1#top"
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
FORM = tuple(FIELDS.items())


@pytest.mark.parametrize("reference", [DATA_URL, {"image_url": DATA_URL}])
def test_data_url_is_stored_as_file(caller: Caller, base: str, reference: Any):
    job = caller.job(caller.create(base, input_reference=reference))
    image = job.request.file(Role.IMAGE)
    assert image
    assert image.content_type == "image/png"
    assert caller.blobs.objects == {image.key: PNG}


@pytest.mark.parametrize("name", ["input_reference", "input_reference[image_url]"])
def test_form_may_have_data_url_or_http_url(caller: Caller, base: str, name: str):
    by_url = caller.job(caller.form(base, *FORM, (name, URL)))
    by_data_url = caller.job(caller.form(base, *FORM, (name, DATA_URL)))
    assert by_url.request.inputs == (Input(role=Role.IMAGE, url=URL),)
    assert by_data_url.request.file(Role.IMAGE)


@pytest.mark.parametrize("content_type", ["image/png", "text/html", "video/mp4"])
def test_content_type_is_detected_from_bytes(caller: Caller, base: str, content_type: str):
    job = caller.job(caller.form(base, *FORM, ("input_reference", content_type, PNG)))
    (image,) = job.request.files(Role.IMAGE)
    assert image.content_type == "image/png"


@pytest.mark.parametrize("reference", [URL, {"image_url": URL}, "HTTPS://a.example"])
def test_http_url_is_stored_for_a_later_fetch(caller: Caller, base: str, reference: Any):
    job = caller.job(caller.create(base, input_reference=reference))
    (image,) = job.request.inputs
    assert (image.role, image.file) == (Role.IMAGE, None)
    assert image.url in (URL, "HTTPS://a.example")
    assert caller.blobs.objects == {}


def test_null_reference_is_absent(caller: Caller, base: str):
    assert caller.job(caller.create(base, input_reference=None)).request.inputs == ()


@pytest.mark.parametrize("reference", ["", {}, {"image_url": None}, {"image_url": ""}])
def test_empty_reference_is_absent(caller: Caller, base: str, reference: Any):
    job = caller.job(caller.create(base, input_reference=reference))
    assert job.request.inputs == ()


@pytest.mark.parametrize("options", ["", ";charset=utf-8", ";name=cat.png;charset=utf-8"])
def test_data_url_may_have_options_and_no_type(caller: Caller, base: str, options: str):
    content = DATA_URL.partition(",")[2]
    for media_type in ("image/png", ""):
        reply = caller.create(base, input_reference=f"data:{media_type}{options};base64,{content}")
        assert reply.status == 200


@pytest.mark.parametrize(
    "reference",
    [
        " ", "cat.png", "file:///etc/passwd", "ftp://a.example/cat.png", "//a.example/cat.png",
        "http://", "http:///cat.png", "http://[", "https://[::1", "http://:80/", "javascript:x",
        "data:", "data:,cat", "data:image/png,cat", "data:image/png;base64",
        "data:text/plain;base64,aGk=",
        "data:image/png;base64,", "data:image/png;base64,=", "data:image/png;base64,!!!!",
        "data:image/png;base64,\u00e9", "data:image/png;base64,iVBORw0KGgo",
        "data:image/png;base64,iVBO Rw==",
        "data:image/svg+xml;base64,PHN2Zz4=", "DATA_URL:image/png;base64,iVBORw0KGgo=",
        "data:image/png" + ";a=b" * 5000 + ",x",
        5, True, [], [URL], {"image_url": 5}, {"url": URL},
        {"image_url": {"url": URL}}, {"image_url": URL, "file_id": "file-1"},
    ],
    ids=lambda reference: str(reference)[:40],
)  # fmt: skip
def test_read_input_reference_refuses_invalid_value(caller: Caller, base: str, reference: Any):
    reply = caller.create(base, input_reference=reference)
    assert_refused(reply, base, 400, param="input_reference")


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"


@pytest.mark.parametrize("content", [b"", b"a cat", VIDEO, b"<svg/>", SVG, b"\x89PNG"])
def test_file_that_is_not_an_image_is_refused(caller: Caller, base: str, content: bytes):
    reply = caller.form(base, *FORM, ("input_reference", "image/png", content))
    assert_refused(reply, base, 400, param="input_reference")


def test_file_id_is_refused_with_the_reason(caller: Caller, base: str):
    for reply in (
        caller.create(base, input_reference={"file_id": "file-1"}),
        caller.form(base, *FORM, ("input_reference[file_id]", "file-1")),
    ):
        assert_refused(reply, base, param="input_reference")
        assert "Files API" in reply.json["error"]["message"]


@pytest.mark.parametrize("name", ["prompt", "model", "seconds", "size", "steps"])
def test_file_in_another_field_is_refused(caller: Caller, base: str, name: str):
    fields = [(field, text) for field, text in FORM if field != name]
    assert_refused(caller.form(base, *fields, (name, "image/png", PNG)), base, 400, param=name)


def test_model_without_image_input_refuses_reference(caller: Caller, base: str):
    for reference in (DATA_URL, URL):
        reply = caller.create(base, model="openai/plain", input_reference=reference)
        assert_refused(reply, base, 400, param="input_reference")
