"""Pipelet's queue against the running stack, call by call as its document has them."""

import base64
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from local.stack import Stack
from local.video_probe import measure

T2V, I2V = "wan22-fast-t2v", "wan22-fast-i2v"
SMALL = {"duration": 1, "width": 128, "height": 72}


def create(
    client: httpx.Client, model: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, str]:
    reply = client.post(f"/queue/{model}", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    told: dict[str, str] = reply.json()
    return told


def wait(client: httpx.Client, status_url: str, for_status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        status: dict[str, Any] = client.get(status_url).json()
        if status["status"] == for_status:
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.1)


def film(content: bytes, folder: Path) -> tuple[str, tuple[int, int], float]:
    (folder / "output.mp4").write_bytes(content)
    measured = measure(folder / "output.mp4")
    return measured.codec, measured.size, measured.seconds


@pytest.fixture(scope="module")
def picture() -> str:
    """As `base64 picture.png` writes it, in lines."""
    drawn = BytesIO()
    Image.new("RGB", (128, 72), "teal").save(drawn, "PNG")
    return base64.encodebytes(drawn.getvalue()).decode()


def test_a_picture_becomes_a_film_in_base64(client, stack: Stack, picture: str, tmp_path: Path):
    body = {"prompt": "A cat with a cape", "data_uri": picture, "duration": 1, "height": 72}
    told = create(client, I2V, body)
    one = f"{stack.url}/queue/{I2V}/requests/{told['request_id']}"
    assert told == {
        "request_id": told["request_id"],
        "response_url": one,
        "status_url": f"{one}/status",
        "cancel_url": f"{one}/cancel",
    }
    done = wait(client, told["status_url"], "COMPLETED")
    assert (done["queue_position"], done["etaSeconds"], done["response_url"]) == (0, 0, one)
    result = client.get(told["response_url"]).json()
    assert list(result["video"]) == ["data_uri"]
    content = base64.b64decode(result["video"]["data_uri"], validate=True)
    assert film(content, tmp_path) == ("h264", (128, 72), 1.0)


def test_with_the_header_the_film_is_a_link(client, tmp_path: Path):
    body = {"prompt": "a kite", **SMALL}
    told = create(client, T2V, body, {"x-pipelet-output": "binary"})
    wait(client, told["status_url"], "COMPLETED")
    video = client.get(told["response_url"]).json()["video"]
    assert video["data_uri"] == video["data_url"]
    assert film(httpx.get(video["data_uri"]).content, tmp_path) == ("h264", (128, 72), 1.0)


def test_a_film_that_just_fits_into_an_answer_comes_in_it(client, tmp_path: Path):
    told = create(client, T2V, {"prompt": "a film [big=3]", **SMALL})
    wait(client, told["status_url"], "COMPLETED")
    content = base64.b64decode(client.get(told["response_url"]).json()["video"]["data_uri"])
    assert len(content) == 3 * 1024 * 1024
    assert film(content, tmp_path) == ("h264", (128, 72), 1.0)


def test_a_film_that_does_not_fit_into_an_answer_is_a_link(client):
    told = create(client, T2V, {"prompt": "a large one [big=4]", **SMALL})
    wait(client, told["status_url"], "COMPLETED")
    video = client.get(told["response_url"]).json()["video"]
    assert video["data_uri"] == video["data_url"]
    with httpx.stream("GET", video["data_url"]) as download:
        assert int(download.headers["content-length"]) == 4 * 1024 * 1024


def test_a_running_request_has_progress_and_no_result_and_is_not_cancelled(client):
    told = create(client, T2V, {"prompt": "a long one [slow=8]", **SMALL})
    running = wait(client, told["status_url"], "IN_PROGRESS")
    assert running["statusMessages"]["message"] == "PROCESSING"
    assert running["statusMessages"]["detail_message"].startswith("Progress: ")
    early = client.get(told["response_url"])
    assert (early.status_code, list(early.json())) == (400, ["detail"])
    late = client.put(told["cancel_url"])
    assert (late.status_code, list(late.json())) == (409, ["detail"])


def test_a_queued_request_is_cancelled_without_a_word(client):
    told = create(client, T2V, {"prompt": "wait for it [503=50]", **SMALL})
    assert client.get(told["status_url"]).json()["status"] == "IN_QUEUE"
    gone = client.put(told["cancel_url"])
    assert (gone.status_code, gone.content) == (204, b"")
    wait(client, told["status_url"], "CANCELLED")
    assert client.put(told["cancel_url"]).status_code == 409
    assert client.get(told["response_url"]).status_code == 422


def test_a_failed_request_says_why(client):
    told = create(client, T2V, {"prompt": "something [filter]", **SMALL})
    failed = wait(client, told["status_url"], "FAILED")
    assert failed["statusMessages"]["detail_message"] == "content_filtered"
    assert client.get(told["response_url"]).status_code == 422


def test_its_own_prefix_is_its_own_whatever_the_kind_of_key(client, stack: Stack):
    key = {"authorization": f"Key {stack.environment()['RUSHES_API_KEY']}"}
    told = client.post(
        f"/pipelet/queue/{T2V}", json={"prompt": "a kite", **SMALL}, headers=key
    ).json()
    assert told["response_url"].startswith(f"{stack.url}/pipelet/queue/{T2V}/requests/job_")
    status = client.get(told["status_url"], headers=key).json()
    assert "statusMessages" in status
