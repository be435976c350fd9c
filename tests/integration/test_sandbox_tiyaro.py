"""The sandbox in Tiyaro's words: it listens to what was uploaded, and to nothing else."""

import io
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.test_sandbox import KEY, running_sandbox
from tests.speech import speak

WHISPER = "/v1/async/ent/tiyarofs/1/openai/whisper-small"
FILM = "/v1/async/ent/tiyarofs/1/sandbox/film"
SMALL = {"prompt": "a fox", "seconds": 1, "size": "128x72"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> Iterator[httpx.Client]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as (url, _):
        key = {"authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=f"{url}/tiyaro", headers=key, timeout=30) as client:
            yield client


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    return speak(tmp_path_factory.mktemp("speech"), "mp3")


def silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))
    return file.getvalue()


def address(sandbox: httpx.Client, extension: str = "mp3") -> str:
    reply = sandbox.post(f"/v1/input/upload-url?extension={extension}", json={})
    assert reply.status_code == 201
    given: str = reply.json()["uploadUrl"]["PUT"]
    return given


def uploaded(sandbox: httpx.Client, content: bytes, extension: str = "mp3") -> str:
    given = address(sandbox, extension)
    assert httpx.put(given, content=content).status_code == 200
    return given


def ended(sandbox: httpx.Client, submitted: httpx.Response) -> dict[str, Any]:
    assert submitted.status_code == 202, submitted.text
    deadline = time.monotonic() + 60
    while True:
        told: dict[str, Any] = sandbox.get(submitted.json()["response"]["urls"]["GET"]).json()
        if told["status"] in ("success", "failed"):
            return told
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_speech_is_written_down_with_its_times(sandbox, speech):
    body = {"input": {"language": "en"}, "URL": uploaded(sandbox, speech.read_bytes())}
    told = ended(sandbox, sandbox.post(WHISPER, json=body))
    result = told["result"]
    assert told["response"]["result"] == result
    assert {"new", "york", "city"} <= set(result["text"].split())
    assert " ".join(it["text"] for it in result["segments"]) == result["text"]
    assert all(it["start"] < it["end"] <= result["duration"] for it in result["segments"])


def test_in_silence_nothing_is_heard(sandbox):
    body = {"input": {}, "URL": uploaded(sandbox, silence(), "wav")}
    result = ended(sandbox, sandbox.post(WHISPER, json=body))["result"]
    assert (result["text"], result["segments"]) == ("", [])
    assert result["duration"] == 1.0


def test_what_is_no_recording_fails(sandbox):
    body = {"input": {}, "URL": uploaded(sandbox, b"ID3 and then nothing")}
    assert ended(sandbox, sandbox.post(WHISPER, json=body))["status"] == "failed"


def test_a_film_has_an_address_that_wants_no_key(sandbox):
    told = ended(sandbox, sandbox.post(FILM, json={"input": SMALL}))
    (output,) = told["result"]["outputs"]
    assert httpx.get(output["url"]).content[4:8] == b"ftyp"


@pytest.mark.parametrize("directive", ["fail", "filter"])
def test_an_initial_prompt_may_direct(sandbox, speech, directive):
    body = {
        "input": {"initial_prompt": f"[{directive}]"},
        "URL": uploaded(sandbox, speech.read_bytes()),
    }
    told = ended(sandbox, sandbox.post(WHISPER, json=body))
    assert (told["status"], told["result"]) == ("failed", None)
    assert told["error"]["message"]


def test_a_refusal_and_an_unknown_status_are_had_for_the_asking(sandbox, speech):
    given = uploaded(sandbox, speech.read_bytes())
    refused = sandbox.post(WHISPER, json={"input": {"initial_prompt": "[refuse]"}, "URL": given})
    assert refused.status_code == 400
    body = {"input": {"initial_prompt": "[unknown-status]"}, "URL": given}
    assert sandbox.post(WHISPER, json=body).json()["status"] == "melting"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (WHISPER, {"input": {"loudness": 3}}, 400),
        (WHISPER, {"input": {}, "webhook": "x"}, 400),
        (WHISPER, {"input": {"task": "translate"}}, 400),
        (f"{WHISPER}?serviceTier=tpuflex", {"input": {}}, 400),
        (WHISPER, {"input": {}}, 400),
        (FILM, {"input": {"prompt": ""}}, 400),
        (FILM, {"input": {**SMALL, "size": "1x1"}}, 400),
        ("/v1/async/ent/tiyarofs/1/openai/whisper-huge", {"input": {}}, 404),
    ],
)
def test_what_is_not_published_is_refused(sandbox, speech, path, body, status):
    given = {} if body == {"input": {}} else {"URL": uploaded(sandbox, speech.read_bytes())}
    assert sandbox.post(path, json={**body, **given}).status_code == status


def test_an_address_is_good_as_it_was_given_only(sandbox):
    given = address(sandbox)
    for spoilt in (
        given.replace(".mp3", ".wav"),
        given.replace("expires=1", "expires=2"),
        given[:-1] + ("0" if given[-1] != "0" else "1"),
        given.partition("?")[0],
    ):
        assert httpx.put(spoilt, content=b"x").status_code == 403
        refused = sandbox.post(WHISPER, json={"input": {}, "URL": spoilt})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "URL")


def test_an_extension_is_one_of_a_few(sandbox):
    for query in ("?extension=exe", "", "?extension=mp3&name=x"):
        assert sandbox.post(f"/v1/input/upload-url{query}", json={}).status_code == 400


def test_everything_but_the_given_addresses_wants_the_key(sandbox):
    for method, path in (("POST", WHISPER), ("POST", "/v1/input/upload-url"), ("GET", FILM)):
        reply = httpx.request(method, f"{sandbox.base_url}{path[1:]}", json={})
        assert reply.status_code == 401
