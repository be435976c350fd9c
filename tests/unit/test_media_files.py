"""Real media files as inputs and outputs of each dialect: the right type, or a clear refusal."""

import base64
import io
from collections.abc import Callable
from typing import Any

import av
import pytest

from rushes.catalog.models import read_catalog
from rushes.jobs.content_type import (
    ARCHIVES,
    EXTENSIONS,
    HEAD_BYTES,
    content_type_of,
    extension_of,
    is_input,
    media_type_of,
    sniff,
    sniff_output,
)
from rushes.jobs.events import terminal_event
from rushes.jobs.file_window import MAX_READS, FileWindow
from rushes.jobs.rare_types import rare_type
from rushes.workflow.task import TO_FINISH
from tests.fakes import BUCKET
from tests.harness import Harness
from tests.media_files import AUDIOS, FILES, IMAGES, KNOWN, RARE, VIDEOS
from tests.unit.dialects.api_client import OPENAI, Caller, Reply

CATALOG = read_catalog("""
default_model = "sandbox/video"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/video"
seconds = [4]
sizes = ["1280x720"]
inputs = ["image", "source_video", "audio"]
""")
MODEL = "sandbox/video"
PROMPT = {"prompt": "a fox"}
FILES_BY_TYPE = {file.content_type: file for file in FILES.values()}
Entry = Callable[[Caller, bytes], Reply]


def data_url(content: bytes) -> str:
    return f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"


def fal(field: str) -> Entry:
    return lambda caller, content: caller.call(
        "POST", f"/fal/{MODEL}", {**PROMPT, field: data_url(content)}
    )


def together(field: str, member: Callable[[str], Any]) -> Entry:
    def create(caller: Caller, content: bytes) -> Reply:
        media = {field: member(data_url(content))}
        return caller.call("POST", "/v2/videos", {**PROMPT, "model": MODEL, "media": media})

    return create


def tiyaro(extension: str) -> Entry:
    def create(caller: Caller, content: bytes) -> Reply:
        query = {"extension": extension}
        reply = caller.call("POST", "/v1/input/upload-url", {}, query=query)
        url = reply.json["uploadUrl"]["PUT"]
        caller.blobs.objects[url.removeprefix(BUCKET).partition("?")[0]] = content
        return caller.call("POST", f"/v1/async/{MODEL}", {"input": PROMPT, "URL": url})

    return create


def edited(caller: Caller, content: bytes) -> Reply:
    parts = ("prompt", "a fox"), ("video", "application/octet-stream", content)
    return caller.form(f"{OPENAI}/edits", *parts)


def referenced(caller: Caller, content: bytes) -> Reply:
    parts = ("prompt", "a fox"), ("input_reference", "video/mp4", content)
    return caller.form(OPENAI, *parts)


ENTRIES: dict[str, tuple[str, Entry]] = {
    "openai input_reference": ("image", referenced),
    "openai video": ("video", edited),
    "bifrost input_reference": (
        "image",
        lambda caller, content: caller.create("/v1/videos", input_reference=data_url(content)),
    ),
    "fal image_url": ("image", fal("image_url")),
    "fal video_url": ("video", fal("video_url")),
    "fal audio_url": ("audio", fal("audio_url")),
    "pipelet data_uri": (
        "image",
        lambda caller, content: caller.call(
            "POST", f"/pipelet/queue/{MODEL}", {**PROMPT, "data_uri": data_url(content)}
        ),
    ),
    "together frame_images": (
        "image",
        together("frame_images", lambda url: [{"input_image": url, "frame": "first"}]),
    ),
    "together source_video": ("video", together("source_video", lambda url: {"video": url})),
    "together audio_inputs": ("audio", together("audio_inputs", lambda url: [{"audio": url}])),
    "tiyaro png": ("image", tiyaro("png")),
    "tiyaro mp4": ("video", tiyaro("mp4")),
    "tiyaro opus": ("audio", tiyaro("opus")),
}
"""Media type and request of each field that takes a file."""
LINKS: dict[str, Callable[[Reply, str], str]] = {
    "/v2/videos/{id}": lambda reply, _: str(reply.json["outputs"]["video_url"]),
    "/v1/videos/{id}": lambda reply, _: str(reply.json["videos"][0]["url"]),
    "/openai/v1/videos/{id}/content": lambda reply, _: reply.headers["location"],
    "/v1/async/requests/{id}": lambda reply, _: str(reply.json["result"]["outputs"][0]["url"]),
    "/fal/any/model/requests/{id}": lambda reply, modality: str(
        (reply.json["images"][0] if modality == "image" else reply.json[modality])["url"]
    ),
}
"""The link to the first file in a response, by path and modality."""
SHOWN: dict[str, Callable[[Reply, str], str]] = {
    "/v1/videos/{id}": lambda reply, _: str(reply.json["videos"][0]["content_type"]),
    "/v1/async/requests/{id}": lambda reply, _: str(
        reply.json["result"]["outputs"][0]["content_type"]
    ),
    "/fal/any/model/requests/{id}": lambda reply, modality: str(
        (reply.json["images"][0] if modality == "image" else reply.json[modality])["content_type"]
    ),
}
"""The content type in a response, likewise."""


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch, CATALOG)


@pytest.fixture
def harness() -> Harness:
    return Harness()


@pytest.mark.parametrize("name", KNOWN)
def test_type_is_that_of_the_content(name: str):
    file = FILES[name]
    assert sniff_output(file.content) == file.content_type
    assert sniff(file.content) == (file.content_type if file.is_input else None)


@pytest.mark.parametrize("name", [file.name for file in RARE])
def test_rare_type_is_named_by_the_library(name: str):
    file = FILES[name]
    assert sniff_output(file.content) is None
    assert rare_type(file.content) == file.content_type


@pytest.mark.parametrize("file", [*VIDEOS, *AUDIOS], ids=lambda file: file.name)
def test_ffmpeg_finds_the_same_kinds_of_tracks(file: Any):
    with av.open(io.BytesIO(file.content)) as container:
        kinds = {stream.type for stream in container.streams}
    assert ("video" in kinds) is (media_type_of(file.content_type) == "video")
    assert kinds <= {"video", "audio"}


@pytest.mark.parametrize("name", KNOWN)
def test_tracks_at_the_end_are_found_with_few_reads(name: str):
    """As for an object in the bucket, of which the beginning is in memory."""
    file, reads = FILES[name], 0

    def read_range(start: int, count: int) -> bytes:
        nonlocal reads
        reads += 1
        return file.content[start : start + count]

    head = file.content[:2000]
    found = content_type_of(FileWindow(head, len(file.content), read_range))
    assert found == file.content_type
    assert reads <= MAX_READS / 4


@pytest.mark.parametrize("name", FILES)
def test_input_has_the_type_of_its_content_or_is_refused(caller: Caller, name: str):
    file = FILES[name]
    for entry, (media_type, create) in ENTRIES.items():
        caller.blobs.objects.clear()
        reply = create(caller, file.content)
        types = [stored(caller, reply)] if reply.status in (200, 202) else []
        if is_input(file.content_type, media_type):
            assert types == [file.content_type], (entry, reply)
        else:
            assert_refused(reply, entry, file.content_type)
            assert not caller.blobs.objects, entry


def stored(caller: Caller, reply: Reply) -> str:
    (entry,) = caller.job(reply, reply.status).request.inputs
    assert entry.file
    assert entry.file.key in caller.blobs.objects
    return entry.file.content_type


def assert_refused(reply: Reply, entry: str, found: str) -> None:
    field, media_type = entry.split()[1], ENTRIES[entry][0]
    assert reply.status in (400, 422), (entry, reply)
    named = field if not entry.startswith("tiyaro") else "URL"
    assert named in reply.text, (entry, reply)
    if sniff_output(FILES_BY_TYPE[found].content):
        assert f"(found {found}; allowed: " in reply.text, (entry, reply)
    allowed = reply.text.partition("allowed: ")[2].partition(")")[0].split(", ")
    assert set(allowed) == {name for name in EXTENSIONS if media_type_of(name) == media_type}


@pytest.mark.parametrize("name", [name for name in FILES if name != "pdf"])
def test_output_is_stored_as_its_content_and_shown_so(harness: Harness, caller: Caller, name: str):
    file = FILES[name]
    modality = media_type_of(file.content_type) or "image"
    job = harness.generated(file.content)
    changes = {"modality": modality, "version": job.version + 1}
    harness.change(job, lambda job, _: job.model_copy(update=changes))
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    extension = extension_of(file.content_type)
    assert artifact.content_type == file.content_type
    assert artifact.key.endswith(f"/0.{extension}")
    assert harness.blobs.objects[artifact.key] == file.content
    assert [key for key in harness.blobs.objects if "outputs" in key] == [artifact.key]
    (data,) = terminal_event(harness.now(job), "bucket").data.artifacts
    assert (data.key, data.content_type) == (artifact.key, file.content_type)
    finished = caller.complete(caller.job(caller.create()), artifact, modality=modality)
    replies = {path: caller.call("GET", path.format(id=finished)) for path in LINKS}
    for path, link in LINKS.items():
        assert link(replies[path], modality).endswith(f".{extension}"), path
    for path, content_type in SHOWN.items():
        assert content_type(replies[path], modality) == file.content_type, path


def test_document_is_no_output_of_a_model_for_images(harness: Harness):
    job = harness.generated(FILES["pdf"].content)
    while harness.collect(job) != TO_FINISH:
        harness.clock.advance(10)
    assert "found application/pdf" in harness.error(job).message


def test_no_image_is_a_video():
    types = {file.name: sniff_output(file.content) for file in IMAGES}
    assert all(media_type_of(found) == "image" for found in types.values()), types


def test_archives_count_for_each_modality_of_files():
    assert set(ARCHIVES) <= {file.content_type for file in FILES.values()}


def test_long_files_are_longer_than_the_beginning_in_memory():
    long = [file for file in FILES.values() if file.name.startswith("long")]
    assert len(long) == 3
    assert all(len(file.content) > HEAD_BYTES for file in long)
