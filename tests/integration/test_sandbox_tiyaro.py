"""The sandbox's Tiyaro protocol: uploads, transcriptions and videos."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.sandbox_client import BEARER
from tests.speech import synthesize_speech
from tests.waiting import wait_for

WHISPER = "/v1/async/ent/tiyarofs/1/openai/whisper-small"
VIDEO = "/v1/async/ent/tiyarofs/1/sandbox/video"
SMALL = {"prompt": "a fox", "seconds": 1, "size": "128x72"}


@pytest.fixture(scope="module")
def sandbox(sandbox_url) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox_url}/tiyaro", headers=BEARER, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    return synthesize_speech(tmp_path_factory.mktemp("speech"), "mp3")


def silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(bytes(16_000))
    return file.getvalue()


def upload_url(sandbox: httpx.Client, extension: str = "mp3") -> str:
    reply = sandbox.post(f"/v1/input/upload-url?extension={extension}", json={})
    assert reply.status_code == 201
    url: str = reply.json()["uploadUrl"]["PUT"]
    return url


def uploaded(sandbox: httpx.Client, content: bytes, extension: str = "mp3") -> str:
    url = upload_url(sandbox, extension)
    assert httpx.put(url, content=content).status_code == 200
    return url


def ended(sandbox: httpx.Client, submitted: httpx.Response) -> dict[str, Any]:
    assert submitted.status_code == 202, submitted.text

    def poll() -> dict[str, Any]:
        job: dict[str, Any] = sandbox.get(submitted.json()["response"]["urls"]["GET"]).json()
        return job if job["status"] in ("success", "failed") else {}

    return wait_for(poll)


def test_transcription_has_text_and_segment_times(sandbox, speech):
    body = {"input": {"language": "en"}, "URL": uploaded(sandbox, speech.read_bytes())}
    job = ended(sandbox, sandbox.post(WHISPER, json=body))
    result = job["result"]
    assert job["response"]["result"] == result
    assert {"new", "york", "city"} <= set(result["text"].split())
    assert " ".join(segment["text"] for segment in result["segments"]) == result["text"]
    assert all(part["start"] < part["end"] <= result["duration"] for part in result["segments"])


def test_transcription_of_silence_is_empty(sandbox):
    body = {"input": {}, "URL": uploaded(sandbox, silence(), "wav")}
    result = ended(sandbox, sandbox.post(WHISPER, json=body))["result"]
    assert (result["text"], result["segments"]) == ("", [])
    assert result["duration"] == 1.0


def test_undecodable_recording_fails(sandbox):
    body = {"input": {}, "URL": uploaded(sandbox, b"ID3 and then nothing")}
    assert ended(sandbox, sandbox.post(WHISPER, json=body))["status"] == "failed"


def test_video_url_needs_no_key(sandbox):
    job = ended(sandbox, sandbox.post(VIDEO, json={"input": SMALL}))
    (output,) = job["result"]["outputs"]
    assert httpx.get(output["url"]).content[4:8] == b"ftyp"


@pytest.mark.parametrize("directive", ["fail", "filter"])
def test_initial_prompt_contains_directives(sandbox, speech, directive):
    url = uploaded(sandbox, speech.read_bytes())
    body = {"input": {"initial_prompt": f"[{directive}]"}, "URL": url}
    job = ended(sandbox, sandbox.post(WHISPER, json=body))
    assert (job["status"], job["result"]) == ("failed", None)
    assert job["error"]["message"]


def test_refuse_and_unknown_status_directives(sandbox, speech):
    url = uploaded(sandbox, speech.read_bytes())
    refused = sandbox.post(WHISPER, json={"input": {"initial_prompt": "[refuse]"}, "URL": url})
    assert refused.status_code == 400
    body = {"input": {"initial_prompt": "[unknown-status]"}, "URL": url}
    assert sandbox.post(WHISPER, json=body).json()["status"] == "melting"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (WHISPER, {"input": {"loudness": 3}}, 400),
        (WHISPER, {"input": {}, "webhook": "x"}, 400),
        (WHISPER, {"input": {"task": "translate"}}, 400),
        (f"{WHISPER}?serviceTier=tpuflex", {"input": {}}, 400),
        (WHISPER, {"input": {}}, 400),
        (VIDEO, {"input": {"prompt": ""}}, 400),
        (VIDEO, {"input": {**SMALL, "size": "1x1"}}, 400),
        ("/v1/async/ent/tiyarofs/1/openai/whisper-huge", {"input": {}}, 404),
    ],
)
def test_submit_refuses_unpublished_fields(sandbox, speech, path, body, status):
    url = {} if body == {"input": {}} else {"URL": uploaded(sandbox, speech.read_bytes())}
    assert sandbox.post(path, json={**body, **url}).status_code == status


def test_changed_upload_url_is_refused(sandbox):
    url = upload_url(sandbox)
    for changed in (
        url.replace(".mp3", ".wav"),
        url.replace("expires=1", "expires=2"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("?")[0],
    ):
        assert httpx.put(changed, content=b"x").status_code == 403
        refused = sandbox.post(WHISPER, json={"input": {}, "URL": changed})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "URL")


def test_upload_url_refuses_unknown_extension(sandbox):
    for query in ("?extension=exe", "", "?extension=mp3&name=x"):
        assert sandbox.post(f"/v1/input/upload-url{query}", json={}).status_code == 400


def test_calls_require_key(sandbox):
    for method, path in (("POST", WHISPER), ("POST", "/v1/input/upload-url"), ("GET", VIDEO)):
        reply = httpx.request(method, f"{sandbox.base_url}{path[1:]}", json={})
        assert reply.status_code == 401
