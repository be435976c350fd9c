"""Tiyaro's sample program against the running stack, and its jobs in other dialects."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from openai import OpenAI

from local.stack import Stack
from rushes.jobs.request import MAX_UPLOAD_BYTES
from tests.e2e.programs import run_program
from tests.e2e.small_jobs import assert_small_video
from tests.e2e.test_permissions import without
from tests.speech import synthesize_speech
from tests.waiting import wait_for

MODEL = "ent/tiyarofs/1/openai/whisper-tiny"
WHISPER = f"/v1/async/{MODEL}"
WAITING = ("accepted", "pending")
SMALL = {"prompt": "a fox in the snow", "seconds": 1, "size": "128x72"}


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    return synthesize_speech(tmp_path_factory.mktemp("speech"))


@pytest.fixture(scope="module", params=["wav", "mp3"])
def transcribed(request, stack: Stack, events, tmp_path_factory) -> dict[str, Any]:  # noqa: ARG001 - the queue exists before the job
    audio = synthesize_speech(tmp_path_factory.mktemp("spoken"), request.param)
    key = stack.environment()["RUSHES_API_KEY"]
    return run_program("clients", "transcribe.py", stack.url, key, MODEL, audio)


@pytest.fixture
def other_account(stack: Stack) -> Iterator[httpx.Client]:
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_OTHER_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=120) as http:
        yield http


def create_upload_url(client: httpx.Client, extension: str = "wav") -> str:
    reply = client.post(f"/v1/input/upload-url?extension={extension}", json={})
    url: str = reply.json()["uploadUrl"]["PUT"]
    return url


def uploaded(client: httpx.Client, content: bytes, extension: str = "wav") -> str:
    url = create_upload_url(client, extension)
    assert httpx.put(url, content=content).status_code == 200
    return url


def ended(client: httpx.Client, submitted: httpx.Response) -> dict[str, Any]:
    """Poll the URL of the response until the job is final."""
    assert submitted.status_code == 202, submitted.text

    def poll() -> dict[str, Any]:
        job: dict[str, Any] = client.get(submitted.json()["response"]["urls"]["GET"]).json()
        return job if job["status"] in ("success", "failed", "cancelled") else {}

    return wait_for(poll)


def test_sample_program_returns_transcript(transcribed):
    assert transcribed["codes"] == [201, 200, 202, 200]
    assert {"new", "york", "city"} <= set(transcribed["text"].split())
    assert transcribed["seen"][-1] == "success"
    assert transcribed["job"]["model"] == MODEL


def test_upload_sends_no_key_and_no_content_type(transcribed):
    headers = {name.lower() for name in transcribed["put_with"]}
    assert not headers & {"authorization", "content-type"}


def test_transcription_is_completed_in_openai_dialect_without_content(client, transcribed):
    for prefix in ("/openai/v1", "/v1"):
        job = client.get(f"{prefix}/videos/{transcribed['id']}")
        assert (job.status_code, job.json()["status"]) == (200, "completed")
        content = client.get(f"{prefix}/videos/{transcribed['id']}/content")
        assert content.status_code == 404
        assert content.json()["error"]["code"]


def test_transcription_publishes_event(events, transcribed):
    (event,) = events.of(transcribed["id"])
    assert event["type"] == "job.completed"


def test_failed_transcription_has_reason(client, speech):
    body = {"input": {"initial_prompt": "[fail]"}, "URL": uploaded(client, speech.read_bytes())}
    job = ended(client, client.post(WHISPER, json=body))
    assert (job["status"], job["result"]) == ("failed", None)
    assert job["error"] == {"code": "upstream_failed", "message": "The render was interrupted."}


def test_undecodable_recording_fails(client):
    body = {"input": {}, "URL": uploaded(client, b"RIFF\x00\x00\x00\x00WAVE" + bytes(50))}
    assert ended(client, client.post(WHISPER, json=body))["status"] == "failed"


@pytest.mark.parametrize("model", ["sandbox/sandbox-1", "sandbox-tiyaro/video"])
def test_video_from_tiyaro_api_is_downloaded_with_openai_sdk(client, stack, tmp_path, model):
    job = ended(client, client.post(f"/v1/async/{model}", json={"input": SMALL}))
    assert job["status"] == "success", job
    (output,) = job["result"]["outputs"]
    assert output["content_type"] == "video/mp4"
    sdk = OpenAI(base_url=f"{stack.url}/openai/v1", api_key=stack.environment()["RUSHES_API_KEY"])
    content = sdk.videos.download_content(job["id"]).read()
    assert_small_video(content, tmp_path)
    assert httpx.get(output["url"]).content == content


def test_submit_accepts_only_uploads_of_account(client, other_account, speech):
    audio = speech.read_bytes()
    foreign = uploaded(other_account, audio)
    own = uploaded(client, audio)
    name = own.partition("?")[0].rpartition("/")[2]
    urls = {
        "another account's": foreign,
        "path traversal": foreign.replace("/uploads/other/", "/uploads/demo/../other/"),
        "escaped path traversal": foreign.replace("/uploads/other/", "/uploads/demo/%2e%2e/other/"),
        "another bucket's": own.replace("/uploads/", "-2/uploads/"),
        "another host's": own.replace("127.0.0.1", "127.0.0.2"),
        "another name": own.replace(name, f"{'f' * 32}.wav"),
        "an invalid name": own.replace(name, "%00.wav"),
        "not uploaded": create_upload_url(client),
        "an empty file": uploaded(client, b""),
        "not audio": uploaded(client, b"RIFF\x00\x00\x00\x00WEBP" + bytes(50)),
        "an image": uploaded(client, b"\x89PNG\r\n\x1a\n" + bytes(50), "png"),
    }
    for case, url in urls.items():
        refused = client.post(WHISPER, json={"input": {}, "URL": url})
        assert refused.status_code == 400, case
        assert refused.json()["param"] == "URL", case


def test_refused_upload_is_deleted(client):
    url = uploaded(client, b"<html>" * 100)
    for message in ("not audio", "no file was uploaded"):
        refused = client.post(WHISPER, json={"input": {}, "URL": url})
        assert refused.status_code == 400
        assert message in refused.json()["message"]


def test_oversized_upload_is_deleted_when_it_arrives(client, stack, aws):
    url = create_upload_url(client)
    key = urlsplit(url).path.partition("/uploads/")[2]
    piece = bytes(1024 * 1024)
    length = {"content-length": str(MAX_UPLOAD_BYTES + len(piece))}
    pieces = (piece for _ in range(MAX_UPLOAD_BYTES // len(piece) + 1))
    assert httpx.put(url, content=pieces, headers=length, timeout=300).status_code == 200

    def is_deleted() -> bool:
        listed = aws("s3").list_objects_v2(
            Bucket=stack.outputs["BucketName"], Prefix=f"uploads/{key}"
        )
        return int(listed["KeyCount"]) == 0

    wait_for(is_deleted)


def test_upload_url_with_declared_type_and_length_accepts_no_other(client):
    query = "extension=wav&contentType=audio/wav&contentLength=44"
    reply = client.post(f"/v1/input/upload-url?{query}", json={})
    url, wav = reply.json()["uploadUrl"]["PUT"], {"content-type": "audio/wav"}
    assert httpx.put(url, content=bytes(44)).status_code == 403
    assert httpx.put(url, content=bytes(45), headers=wav).status_code == 403
    assert httpx.put(url, content=bytes(44), headers=wav).status_code == 200


def test_upload_url_is_valid_for_its_name_only(client):
    url = create_upload_url(client)
    elsewhere = url.replace("/uploads/demo/", "/outputs/demo/")
    assert httpx.put(elsewhere, content=b"x").status_code == 403
    assert httpx.get(url).status_code == 403


def test_upload_url_requires_write_permission_of_api(client, aws):
    with without(aws, "ApiFunctionRole", "s3:PutObject"):
        assert httpx.put(create_upload_url(client), content=b"x").status_code == 403


def test_submit_waits_without_permission_to_read_uploads(client, aws, speech):
    url = uploaded(client, speech.read_bytes())
    with without(aws, "SubmitFunctionRole", "s3:GetObject"):
        submitted = client.post(WHISPER, json={"input": {}, "URL": url})
        poll_url = submitted.json()["urls"]["GET"]
        with pytest.raises(AssertionError):  # not even with time for several attempts
            wait_for(lambda: client.get(poll_url).json()["status"] not in WAITING, seconds=3)
    assert ended(client, submitted)["status"] == "success"
