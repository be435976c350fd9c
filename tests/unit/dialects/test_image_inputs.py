"""Reference pictures: files, data URLs and addresses."""

import base64
from typing import Any

import pytest

from rushes.jobs.request import Input, Role
from tests.unit.dialects.api_client import FIELDS, FILM, PNG, Caller, assert_refused

ADDRESS = "https://pictures.example/cat.png?width=1#top"
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()
FORM = tuple(FIELDS.items())


@pytest.mark.parametrize("reference", [DATA, {"image_url": DATA}])
def test_a_data_url_is_stored_as_a_file(caller: Caller, base: str, reference: Any):
    job = caller.job(caller.create(base, input_reference=reference))
    image = job.request.file(Role.IMAGE)
    assert image
    assert image.content_type == "image/png"
    assert caller.blobs.objects == {image.key: PNG}


@pytest.mark.parametrize("name", ["input_reference", "input_reference[image_url]"])
def test_a_form_may_carry_a_data_url_or_an_address(caller: Caller, base: str, name: str):
    by_address = caller.job(caller.form(base, *FORM, (name, ADDRESS)))
    by_data_url = caller.job(caller.form(base, *FORM, (name, DATA)))
    assert by_address.request.inputs == (Input(role=Role.IMAGE, url=ADDRESS),)
    assert by_data_url.request.file(Role.IMAGE)


@pytest.mark.parametrize("kind", ["image/png", "text/html", "video/mp4"])
def test_a_file_is_what_its_bytes_are_not_what_it_is_called(caller: Caller, base: str, kind: str):
    job = caller.job(caller.form(base, *FORM, ("input_reference", kind, PNG)))
    (image,) = job.request.files(Role.IMAGE)
    assert image.content_type == "image/png"


@pytest.mark.parametrize("reference", [ADDRESS, {"image_url": ADDRESS}, "HTTP://a.example"])
def test_an_address_is_kept_to_be_fetched_later(caller: Caller, base: str, reference: Any):
    job = caller.job(caller.create(base, input_reference=reference))
    (kept,) = job.request.inputs
    assert (kept.role, kept.file) == (Role.IMAGE, None)
    assert kept.url in (ADDRESS, "HTTP://a.example")
    assert caller.blobs.objects == {}


def test_no_reference_is_none(caller: Caller, base: str):
    assert caller.job(caller.create(base, input_reference=None)).request.inputs == ()


@pytest.mark.parametrize(
    "options", ["", ";charset=utf-8", ";name=cat.png;charset=utf-8"]
)  # fmt: skip
def test_data_urls_may_have_options_and_no_type(caller: Caller, base: str, options: str):
    content = DATA.partition(",")[2]
    for kind in ("image/png", ""):
        reply = caller.create(base, input_reference=f"data:{kind}{options};base64,{content}")
        assert reply.status == 200


@pytest.mark.parametrize(
    "reference",
    [
        "", "cat.png", "file:///etc/passwd", "ftp://a.example/cat.png", "//a.example/cat.png",
        "http://", "http:///cat.png", "http://[", "https://[::1", "http://:80/", "javascript:x",
        "data:", "data:,cat", "data:image/png,cat", "data:image/png;base64",
        "data:text/plain;base64,aGk=",
        "data:image/png;base64,", "data:image/png;base64,=", "data:image/png;base64,!!!!",
        "data:image/png;base64,\u00e9", "data:image/png;base64,iVBORw0KGgo",
        "data:image/png;base64,iVBO Rw==",
        "data:image/svg+xml;base64,PHN2Zz4=", "DATA:image/png;base64,iVBORw0KGgo=",
        "data:image/png" + ";a=b" * 5000 + ",x",
        5, True, [], [ADDRESS], {}, {"image_url": None}, {"image_url": 5}, {"url": ADDRESS},
        {"image_url": {"url": ADDRESS}}, {"image_url": ADDRESS, "file_id": "file-1"},
    ],
    ids=lambda reference: str(reference)[:40],
)  # fmt: skip
def test_what_is_no_picture_is_refused(caller: Caller, base: str, reference: Any):
    reply = caller.create(base, input_reference=reference)
    assert_refused(reply, base, 400)
    assert reply.param == "input_reference"
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize("content", [b"", b"a cat", FILM, b"<svg/>", b"\x89PNG"])
def test_a_file_that_is_no_picture_is_refused(caller: Caller, base: str, content: bytes):
    reply = caller.form(base, *FORM, ("input_reference", "image/png", content))
    assert_refused(reply, base, 400)
    assert reply.param == "input_reference"
    assert caller.traces() == ({}, {}, {})


def test_a_file_id_is_refused_with_the_reason(caller: Caller, base: str):
    for reply in (
        caller.create(base, input_reference={"file_id": "file-1"}),
        caller.form(base, *FORM, ("input_reference[file_id]", "file-1")),
    ):
        assert_refused(reply, base)
        assert reply.param == "input_reference"
        assert "Files API" in reply.json["error"]["message"]


@pytest.mark.parametrize("name", ["prompt", "model", "seconds", "size", "steps"])
def test_a_file_in_another_field_is_refused(caller: Caller, base: str, name: str):
    fields = [(field, text) for field, text in FORM if field != name]
    reply = caller.form(base, *fields, (name, "image/png", PNG))
    assert_refused(reply, base, 400)
    assert reply.param == name


def test_a_model_that_takes_no_picture_says_so(caller: Caller, base: str):
    for reference in (DATA, ADDRESS):
        reply = caller.create(base, model="openai/plain", input_reference=reference)
        assert_refused(reply, base, 400)
        assert reply.param == "input_reference"
    assert caller.traces() == ({}, {}, {})
