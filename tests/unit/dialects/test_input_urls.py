"""Tests of the URLs of input files in each dialect: refused at create, without DNS."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.http import ssrf
from tests.unit.dialects import api_client
from tests.unit.dialects.api_client import FIELDS, Caller, Reply, assert_refused_in_queue

CATALOG = read_catalog("""
default_model = "sandbox/video"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/video"
inputs = ["image", "last_frame", "reference", "source_video", "audio"]
needs_prompt = false
""")
MODEL = "sandbox/video"
Create = Callable[[Caller, Any], Reply]


def post(path: str, *names: str, prefix: str = "", **fixed: Any) -> Create:
    """Return a create call whose innermost field is the URL."""

    def create(caller: Caller, value: Any) -> Reply:
        for name in reversed(names):
            value = [value] if name == "0" else {name: value}
        headers = {"authorization": f"{prefix} {caller.key}"} if prefix else None
        return caller.call("POST", path, {**fixed, **value}, headers)

    return create


VIDEO = {"prompt": "a cat", "model": MODEL}
PLACES: dict[str, tuple[Create, str]] = {
    "bifrost": (post("/v1/videos", "input_reference", **VIDEO), "input_reference"),
    "openai": (post("/openai/v1/videos", "input_reference", **VIDEO), "input_reference"),
    "openai object": (
        post("/openai/v1/videos", "input_reference", "image_url", **VIDEO),
        "input_reference",
    ),
    "together frame": (
        post("/v2/videos", "media", "frame_images", "0", "input_image", **VIDEO),
        "media.frame_images",
    ),
    "together old frame": (
        post("/v2/videos", "frame_images", "0", "input_image", **VIDEO),
        "frame_images",
    ),
    "together references": (
        post("/v2/videos", "media", "reference_images", "0", **VIDEO),
        "media.reference_images",
    ),
    "together video": (post("/v2/videos", "media", "source_video", **VIDEO), "media.source_video"),
    "together audio": (
        post("/v2/videos", "media", "audio_inputs", "0", "audio", **VIDEO),
        "media.audio_inputs",
    ),
    **{
        f"fal {name}": (post(f"/fal/{MODEL}", name, prompt="a cat", prefix="Key"), name)
        for name in ("image_url", "end_image_url", "video_url", "audio_url")
    },
    "fal references": (post(f"/fal/{MODEL}", "image_urls", "0", prefix="Key"), "image_urls"),
    "fal on the shared path": (
        post(f"/queue/{MODEL}", "tail_image_url", prefix="Key"),
        "tail_image_url",
    ),
    "pipelet": (post(f"/queue/{MODEL}", "data_uri", prompt="a cat"), "data_uri"),
}
REFUSED = {
    "http": ("http://images.example/1.png", "must use https (got http)"),
    "another port": ("https://images.example:8443/1.png", "must use port 443 (got 8443)"),
    "private": ("https://10.1.2.3/1.png", "10.1.2.3 is not a public host"),
    "loopback": ("https://127.0.0.1/", "127.0.0.1 is not a public host"),
    "metadata": ("https://169.254.169.254/latest", "169.254.169.254 is not a public host"),
    "mapped": ("https://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1 is not a public host"),
    "local name": ("https://localhost/", "localhost is not a public host"),
    "user": ("https://me:canary@images.example/", "must not have a user name"),
    "odd number": ("https://0x7f.1/", "must be in dotted-decimal form"),
    "no port number": ("https://images.example:99999/", "is not a valid URL"),
    "long": (f"https://images.example/{'x' * 8192}", "must have at most 8192 characters"),
}


@pytest.fixture
def caller(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Fail the test at any DNS query."""

    def resolve(*_: object, **__: object) -> Any:
        raise AssertionError("a create call resolved a name")

    monkeypatch.setattr(ssrf, "resolve", resolve)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    caller.use(CATALOG)
    return caller


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("case", REFUSED)
def test_refused_input_url_is_an_error_that_names_field_and_reason(
    caller: Caller, place: str, case: str
):
    (create, field), (url, reason) = PLACES[place], REFUSED[case]
    reply = create(caller, url)
    assert reply.status == (422 if place.startswith("fal") else 400), reply
    assert not reply.has_side_effects
    detail = str(reply.json.get("detail") or reply.json["error"]["message"])
    assert field in detail
    assert reason in detail
    if place.startswith("fal"):
        assert reply.headers["x-fal-error-type"] == "file_download_error"
    assert "canary" not in reply.text
    if "error" in reply.json:
        assert (reply.param, reply.code) == (field, "address_refused")


@pytest.mark.parametrize("place", PLACES)
def test_public_input_url_is_accepted_and_stored_as_given(caller: Caller, place: str):
    create, _ = PLACES[place]
    url = "https://images.example/1.png?signature=a%2Fb#part"
    (entry,) = caller.job(create(caller, url)).request.inputs
    assert (entry.url, entry.field) == (url, "")


def test_every_url_of_a_list_is_checked(caller: Caller):
    urls = ["https://images.example/1", "https://images.example/2", "https://10.0.0.1/3"]
    reply = caller.call("POST", f"/fal/{MODEL}", {"image_urls": urls})
    assert_refused_in_queue(reply, "image_urls: 10.0.0.1 is not a public host")


def test_error_for_an_input_that_the_model_does_not_accept_names_the_field(caller: Caller):
    caller.use(api_client.CATALOG)
    url = "https://images.example/1"
    fields = {**FIELDS, "model": "openai/plain", "input_reference": url}
    assert caller.call("POST", "/openai/v1/videos", fields).param == "input_reference"
    reply = caller.call("POST", "/fal/openai/plain", {"prompt": "x", "tail_image_url": url})
    assert_refused_in_queue(reply, "tail_image_url: openai/plain does not accept last_frame")
