"""Tiyaro's four steps against the running stack, and the same jobs in others' words."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from local.packaging import ROOT
from local.stack import Stack
from local.video_probe import measure
from tests.e2e.test_permissions import without
from tests.speech import speak

PROGRAM = Path(__file__).with_name("transcribe.py")
MODEL = "ent/tiyarofs/1/openai/whisper-tiny"
WHISPER = f"/v1/async/{MODEL}"
SMALL = {"prompt": "a fox in the snow", "seconds": 1, "size": "128x72"}


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    return speak(tmp_path_factory.mktemp("speech"))


@pytest.fixture(scope="module", params=["wav", "mp3"])
def transcribed(request, stack: Stack, events, tmp_path_factory) -> dict[str, Any]:  # noqa: ARG001 - they listen before it begins
    sound = speak(tmp_path_factory.mktemp("spoken"), request.param)
    python, key = ROOT / ".local/envs/clients/bin/python", stack.environment()["RUSHES_API_KEY"]
    done = subprocess.run(
        [python, PROGRAM, stack.url, key, MODEL, sound], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.fixture
def other_account(stack: Stack) -> Iterator[httpx.Client]:
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_OTHER_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=60) as made:
        yield made


def upload_address(client: httpx.Client, extension: str = "wav") -> str:
    reply = client.post(f"/v1/input/upload-url?extension={extension}", json={})
    address: str = reply.json()["uploadUrl"]["PUT"]
    return address


def uploaded(client: httpx.Client, content: bytes, extension: str = "wav") -> str:
    address = upload_address(client, extension)
    assert httpx.put(address, content=content).status_code == 200
    return address


def ended(client: httpx.Client, submitted: httpx.Response) -> dict[str, Any]:
    """The job when it has come to its end, asked for at the address that was told."""
    assert submitted.status_code == 202, submitted.text
    deadline = time.monotonic() + 90
    while True:
        told: dict[str, Any] = client.get(submitted.json()["response"]["urls"]["GET"]).json()
        if told["status"] in ("success", "failed", "cancelled"):
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


def test_the_four_steps_end_in_what_was_said(transcribed):
    assert transcribed["codes"] == [201, 200, 202, 200]
    assert {"new", "york", "city"} <= set(transcribed["text"].split())
    assert transcribed["seen"][-1] == "success"
    assert transcribed["told"]["model"] == MODEL


def test_an_upload_goes_to_s3_without_a_key_and_without_a_content_type(transcribed):
    headers = {name.lower() for name in transcribed["put_with"]}
    assert not headers & {"authorization", "content-type"}


def test_a_transcription_is_completed_in_openais_words_and_has_no_content(client, transcribed):
    for prefix in ("/openai/v1", "/v1"):
        job = client.get(f"{prefix}/videos/{transcribed['id']}")
        assert (job.status_code, job.json()["status"]) == (200, "completed")
        content = client.get(f"{prefix}/videos/{transcribed['id']}/content")
        assert content.status_code == 404
        assert content.json()["error"]["code"]


def test_a_transcription_is_announced(events, transcribed):
    (event,) = events.of(transcribed["id"], 30)
    assert event["type"] == "job.completed"


def test_a_transcription_that_breaks_off_fails_with_a_reason(client, speech):
    body = {"input": {"initial_prompt": "[fail]"}, "URL": uploaded(client, speech.read_bytes())}
    told = ended(client, client.post(WHISPER, json=body))
    assert (told["status"], told["result"]) == ("failed", None)
    assert told["error"] == {"code": "upstream_failed", "message": "The render broke off."}


def test_a_recording_that_cannot_be_decoded_fails(client):
    body = {"input": {}, "URL": uploaded(client, b"RIFF\x00\x00\x00\x00WAVE" + bytes(50))}
    assert ended(client, client.post(WHISPER, json=body))["status"] == "failed"


@pytest.mark.parametrize("model", ["sandbox/sandbox-1", "sandbox-tiyaro/film"])
def test_a_film_made_by_a_path_is_downloaded_with_openais_sdk(client, stack, tmp_path, model):
    told = ended(client, client.post(f"/v1/async/{model}", json={"input": SMALL}))
    assert told["status"] == "success", told
    (output,) = told["result"]["outputs"]
    assert output["content_type"] == "video/mp4"
    sdk = OpenAI(base_url=f"{stack.url}/openai/v1", api_key=stack.environment()["RUSHES_API_KEY"])
    sdk.videos.download_content(told["id"]).write_to_file(tmp_path / "film.mp4")
    film = measure(tmp_path / "film.mp4")
    assert (film.codec, film.size, film.seconds) == ("h264", (128, 72), 1.0)
    assert httpx.get(output["url"]).content == (tmp_path / "film.mp4").read_bytes()


def test_only_what_the_account_has_uploaded_is_worked_from(client, other_account, speech):
    sound = speech.read_bytes()
    foreign = uploaded(other_account, sound)
    mine = uploaded(client, sound)
    name = mine.partition("?")[0].rpartition("/")[2]
    addresses = {
        "another account's": foreign,
        "a way around to it": foreign.replace("/uploads/other/", "/uploads/demo/../other/"),
        "the same, escaped": foreign.replace("/uploads/other/", "/uploads/demo/%2e%2e/other/"),
        "another bucket's": mine.replace("/uploads/", "-2/uploads/"),
        "another host's": mine.replace("127.0.0.1", "127.0.0.2"),
        "another name": mine.replace(name, f"{'f' * 32}.wav"),
        "a name that cannot be": mine.replace(name, "%00.wav"),
        "nothing there": upload_address(client),
        "an empty file": uploaded(client, b""),
        "no sound": uploaded(client, b"RIFF\x00\x00\x00\x00WEBP" + bytes(50)),
        "a picture": uploaded(client, b"\x89PNG\r\n\x1a\n" + bytes(50), "png"),
    }
    for case, address in addresses.items():
        refused = client.post(WHISPER, json={"input": {}, "URL": address})
        assert refused.status_code == 400, case
        assert refused.json()["param"] == "URL", case


def test_an_address_to_upload_to_is_good_for_its_own_name_only(client):
    address = upload_address(client)
    elsewhere = address.replace("/uploads/demo/", "/outputs/demo/")
    assert httpx.put(elsewhere, content=b"x").status_code == 403
    assert httpx.get(address).status_code == 403


def test_an_address_signed_without_the_right_to_write_takes_nothing(client, aws):
    with without(aws, "ApiFunctionRole", "s3:PutObject"):
        assert httpx.put(upload_address(client), content=b"x").status_code == 403


def test_the_submitting_step_needs_the_right_to_read_uploads(client, aws, speech):
    address = uploaded(client, speech.read_bytes())
    with without(aws, "SubmitFunctionRole", "s3:GetObject"):
        submitted = client.post(WHISPER, json={"input": {}, "URL": address})
        time.sleep(3)
        told = client.get(submitted.json()["urls"]["GET"]).json()
        assert told["status"] in ("accepted", "pending")
    assert ended(client, submitted)["status"] == "success"
