"""Further clients against the running stack: Node.js SDKs, LiteLLM, Together's version 1, curl.

test_sdk.py, test_together.py and test_fal.py have the other clients of these vendors.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.e2e.node_programs import run_node
from tests.e2e.programs import run_program
from tests.e2e.small_jobs import assert_small_video, completes, small_png

Account = tuple[str, str]
"""URL of the stack, and an API key."""


@pytest.fixture(scope="module")
def account(stack: Stack) -> Account:
    variables = stack.environment()
    return variables["RUSHES_URL"], variables["RUSHES_API_KEY"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    path.write_bytes(small_png())
    return path


def assert_small_video_at(url: str, folder: Path) -> None:
    assert_small_video(httpx.get(url, timeout=60).content, folder)


def test_openai_sdk_for_node(account: Account, image: Path, tmp_path: Path):
    url, key = account
    video = tmp_path / "made.mp4"
    results = run_node("openai_journey.cjs", f"{url}/openai/v1", key, video, image)
    assert_small_video(video.read_bytes(), tmp_path)
    for case in ("made", "with file", "with data URL", "remixed"):
        assert results[case]["status"] == "completed", case
    assert (results["made"]["seconds"], results["made"]["size"]) == ("1", "128x72")
    failed = results["failed"]
    assert (failed["status"], failed["error"]["code"]) == ("failed", "content_filtered")
    assert results["made"]["id"] in results["listed"]
    assert len(results["listed"]) == len(set(results["listed"]))
    assert results["refused"] == {
        "id": {"status": 404, "code": "not_found", "param": "video_id"},
        "model": {"status": 400, "code": "model_not_found", "param": "model"},
        "size": {"status": 400, "code": "invalid_value", "param": "size"},
    }
    assert results["deleted"] is True


@pytest.mark.parametrize("prefix", ["", "/v2"])
def test_together_sdk_for_node(account: Account, image: Path, tmp_path: Path, prefix: str):
    url, key = account
    results = run_node("together_journey.cjs", url + prefix, key, image)
    for case in ("made", "with image"):
        assert results[case]["status"] == "completed", case
        assert_small_video_at(results[case]["outputs"]["video_url"], tmp_path)
    assert results["failed"]["status"] == "failed"
    assert results["failed"]["error"]["code"] == "upstream_failed"
    assert results["refused"] == {
        "id": {"status": 404, "code": "not_found"},
        "size": {"status": 400, "code": "invalid_value"},
    }


@pytest.mark.parametrize("prefix", ["", "/v1", "/v2"])
def test_first_generation_of_the_together_sdk(account: Account, tmp_path: Path, prefix: str):
    url, key = account
    arguments = (url + prefix, key)
    results = run_program("clients-oldest", "together_first_journey.py", *arguments)
    assert results["sdk"].startswith("1.")
    assert results["made"]["status"] == "completed"
    assert_small_video_at(results["made"]["outputs"]["video_url"], tmp_path)
    assert results["failed"]["error"]["code"] == "upstream_failed"
    assert results["refused"] == {"size": 400, "key": 401}


@pytest.mark.parametrize("prefix", ["/fal", "/queue"])
def test_fal_client_for_node(account: Account, image: Path, tmp_path: Path, prefix: str):
    url, key = account
    results = run_node("fal_journey.cjs", url + prefix, key, image)
    made = results["made"]
    assert made["states"][-1] == "COMPLETED"
    assert_small_video_at(made["data"]["video"]["url"], tmp_path)
    assert results["by id"]["video"]["file_name"] == made["data"]["video"]["file_name"]
    assert results["with image"]["data"]["video"]["file_size"] > 0
    assert results["with upload"]["data"]["video"]["file_size"] > 0
    assert results["cancelled"] == "COMPLETED"
    streamed = results["streamed"]
    assert (streamed["ended"], streamed["states"][-1]) == ("COMPLETED", "COMPLETED")
    assert streamed["size"] > 0
    refused = results["refused"]
    assert (refused["id"]["status"], refused["key"]["status"]) == (404, 401)
    assert refused["filtered"]["status"] == 422
    assert refused["duration"]["status"] == 422
    assert "duration" in refused["duration"]["detail"]


def test_litellm_with_the_stack_as_openai(account: Account, image: Path, tmp_path: Path):
    url, key = account
    video = tmp_path / "made.mp4"
    arguments = (f"{url}/openai/v1", key, video, image)
    results = run_program("clients", "litellm_journey.py", *arguments)
    assert_small_video(video.read_bytes(), tmp_path)
    for case in ("made", "with image", "remixed"):
        assert results[case]["status"] == "completed", case
    assert results["failed"]["status"] == "failed"
    assert results["listed"] >= 4


CURL = {
    "form": ("-F", "model=sora-2", "-F", "prompt=a kite", "-F", "seconds=1", "-F", "size=128x72"),
    "json": (
        *("-H", "content-type: application/json"),
        *("-d", '{"model": "sora-2", "prompt": "a kite", "seconds": "1", "size": "128x72"}'),
    ),
}


def curl(key: str, *arguments: str | Path) -> Any:
    """Run curl with the key; return the JSON that it prints."""
    command = ["curl", "-sS", "-H", f"authorization: Bearer {key}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout) if done.stdout else None


@pytest.mark.parametrize("how", [*CURL, "form with file"])
def test_curl(account: Account, client: httpx.Client, image: Path, tmp_path: Path, how: str):
    url, key = account
    videos = f"{url}/openai/v1/videos"
    with_file = (*CURL["form"], "-F", f"input_reference=@{image};type=image/png")
    job_id = curl(key, *CURL.get(how, with_file), videos)["id"]
    assert completes(client, job_id)
    video = tmp_path / "made.mp4"
    curl(key, "-L", "-o", video, f"{videos}/{job_id}/content")
    assert_small_video(video.read_bytes(), tmp_path)
    assert curl(key, "-X", "DELETE", f"{videos}/{job_id}")["deleted"] is True
