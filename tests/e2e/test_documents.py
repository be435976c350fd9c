"""The examples that the four vendors' documents print, literally, on the default local stack.

Only the host and the key differ. The sandbox enforces the vendors' published schemas.
"""

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.e2e.programs import run_program
from tests.e2e.small_jobs import completes, decode, small_png, upstream_creates
from tests.waiting import wait_for

TOGETHER = ("clients", "")


def run(commands: str, stack: Stack, **variables: str) -> str:
    """Run shell commands with the stack's host and key in place of the printed ones."""
    own = {"HOST": stack.url, "TOKEN": stack.environment()["RUSHES_API_KEY"], **variables}
    done = subprocess.run(
        ["bash", "-euc", commands],
        env={"PATH": os.environ["PATH"], **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CREATE = """
curl -s "$HOST/queue/wan22-fast-i2v" \\
  -H 'Content-Type: application/json' -H "Authorization: Bearer $TOKEN" \\
  -d '{"prompt": "A cat wearing a superman cape playing with a dog", "data_uri": "'$IMAGE'", "duration": 5, "height": 720}' \\
  | jq -r .request_id
"""  # noqa: E501 - as printed
STATUS = """
curl -s "$HOST/queue/wan22-fast-i2v/requests/$ID/status" -H "Authorization: Bearer $TOKEN" | jq -r .status
"""  # noqa: E501 - as printed
RESULT = """
curl -s "$HOST/queue/wan22-fast-i2v/requests/$ID" -H "Authorization: Bearer $TOKEN" \\
  | jq -r '.video.data_uri' | base64 --decode > "$OUTPUT"
"""
CANCEL = """
curl -s -o /dev/null -w '%{http_code}' -XPUT "$HOST/queue/wan22-fast-i2v/requests/$ID/cancel" \\
  -H "Authorization: Bearer $TOKEN"
"""


def test_pipelets_printed_commands_create_poll_and_decode_a_video(stack: Stack, tmp_path: Path):
    image = base64.b64encode(small_png()).decode()
    job = run(CREATE, stack, IMAGE=image).strip()
    wait_for(lambda: run(STATUS, stack, ID=job).strip() == "COMPLETED")
    output = tmp_path / "output.mp4"
    run(RESULT, stack, ID=job, OUTPUT=str(output))
    video = decode(output.read_bytes(), tmp_path)
    assert (video.codec, video.size, video.seconds) == ("h264", (1280, 720), 5.0)
    assert run(CANCEL, stack, ID=job) == "409"


def test_pipelets_printed_command_fails_for_a_video_that_is_too_large(
    stack: Stack, client: httpx.Client, tmp_path: Path
):
    """It writes no bytes: neither a link nor the word null, decoded as if it were base64."""
    reply = client.post("/queue/wan22-fast-t2v", json={"prompt": "a large one [big=5]"})
    status_url = reply.json()["status_url"]
    wait_for(lambda: client.get(status_url).json()["status"] == "COMPLETED")
    output = tmp_path / "output.mp4"
    commands = f"set -o pipefail; {RESULT}"
    with pytest.raises(AssertionError, match="Cannot index boolean"):
        run(commands, stack, ID=reply.json()["request_id"], OUTPUT=str(output))
    assert output.read_bytes() == b""


T2V = ("wan22-fast-t2v", "wan22-fast-t2v-premium", "wan22-fast-t2v-pro")
SIZES = ((1280, 720), (720, 1280), (480, 832), (832, 480), (512, 512), (768, 768))


def submitted(client: httpx.Client, model: str, **fields: Any) -> httpx.Response:
    return client.post(f"/queue/{model}", json={"prompt": "a kite", **fields})


def assert_completes(client: httpx.Client, reply: httpx.Response) -> None:
    assert reply.status_code == 200, reply.text
    url = reply.json()["status_url"]
    ended = ("COMPLETED", "FAILED", "CANCELLED")
    wait_for(lambda: client.get(url).json()["status"] in ended)
    status = client.get(url).json()
    assert status["status"] == "COMPLETED", status


def test_pipelets_text_to_video_models_render_all_documented_sizes(client: httpx.Client):
    for model, size in zip(T2V * 2, SIZES, strict=True):
        reply = submitted(client, model, duration=1, width=size[0], height=size[1])
        assert_completes(client, reply)


@pytest.mark.parametrize("tier", ["-premium", "-pro"])
def test_pipelets_image_to_video_uses_the_height_only(client: httpx.Client, tier: str):
    image = base64.b64encode(small_png()).decode()
    model, fields = f"wan22-fast-i2v{tier}", {"data_uri": image, "width": 999, "height": 480}
    assert_completes(client, submitted(client, model, duration=7, **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 6, "width": 1280, "height": 720},
        {"duration": 8, "width": 832, "height": 480},
        {"duration": 5, "width": 128, "height": 72},
    ],
)
def test_pipelets_limits_are_refused_before_the_create_call(client: httpx.Client, fields: Any):
    assert submitted(client, "wan22-fast-t2v", **fields).status_code == 400


@pytest.fixture(scope="module")
def examples(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("examples") / "image.png"
    path.write_bytes(small_png())
    environment, prefix = TOGETHER
    variables = stack.environment()
    account = (variables["RUSHES_URL"] + prefix, variables["RUSHES_API_KEY"])
    return run_program(environment, "together_examples.py", *account, path)


def test_togethers_examples_complete(examples: dict[str, Any]):
    assert {name: video["status"] for name, video in examples.items()} == dict.fromkeys(
        examples, "completed"
    )


def test_togethers_examples_are_rendered_as_requested(examples: dict[str, Any], tmp_path: Path):
    expected = {
        "first": ((1366, 768), 5.0),
        "all parameters": ((1366, 768), 6.0),
        "no size": ((1280, 720), 8.0),
        "resolution and ratio": ((720, 1280), 2.0),
    }
    for name, (size, seconds) in expected.items():
        link = examples[name]["outputs"]["video_url"]
        video = decode(httpx.get(link, timeout=60).content, tmp_path)
        assert (video.size, video.seconds) == (size, seconds), name


def test_togethers_images_reach_the_provider(examples: dict[str, Any], stack: Stack):
    assert examples["keyframe"]["model"] == "minimax/hailuo-02"
    for prompt in ("Smooth transition from day to night", "A cat dancing energetically"):
        assert upstream_creates(stack, prompt)[-1]["has_input_reference"]


def test_bifrosts_openai_model_is_created_listed_and_downloaded(
    client: httpx.Client, tmp_path: Path
):
    body = {"model": "openai/sora-2", "prompt": "a kite", "seconds": "4", "size": "1280x720"}
    created = client.post("/v1/videos", json=body)
    assert created.status_code == 200, created.text
    video_id = created.json()["id"]
    assert video_id.endswith(":openai")
    assert completes(client, video_id)
    listed = client.get("/v1/videos", params={"provider": "openai"}).json()["data"]
    assert video_id in [video["id"] for video in listed]
    retrieved = client.get(f"/v1/videos/{video_id}").json()
    assert retrieved["extra_fields"]["provider"] == "openai"
    content = client.get(f"/v1/videos/{video_id}/content", follow_redirects=True)
    video = decode(content.content, tmp_path)
    assert (video.size, video.seconds) == ((1280, 720), 4.0)


@pytest.mark.parametrize(
    ("fields", "param"), [({"seconds": "5"}, "seconds"), ({"size": "128x72"}, "size")]
)
def test_openais_limits_are_refused_before_the_create_call(
    client: httpx.Client, fields: dict[str, str], param: str
):
    body = {"model": "openai/sora-2", "prompt": "a kite", **fields}
    refused = client.post("/v1/videos", json=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
