"""Unmodified Together SDKs against the running stack with a Together-compatible provider."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from local.video_probe import VideoInfo
from tests.e2e.programs import run_program
from tests.e2e.small_jobs import completes, decode, small_png, upstream_creates

NEWER, OLDER = ("3.1.1", "clients"), ("2.42.0", "clients-older")
JOURNEYS = (
    *((*NEWER, ""), (*NEWER, "/v1"), (*NEWER, "/v2")),
    *((*OLDER, ""), (*OLDER, "/v2")),
)
"""Version 3 adds /v2/videos to its base URL, version 2 adds /videos; both can have the same one."""


@pytest.fixture(
    scope="module", params=JOURNEYS, ids=lambda journey: f"{journey[0]} on {journey[2] or '/'}"
)
def journey(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: Any) -> dict[str, Any]:
    version, environment, prefix = request.param
    path = tmp_path_factory.mktemp("together") / "image.png"
    path.write_bytes(small_png())
    variables = stack.environment()
    account = (variables["RUSHES_URL"] + prefix, variables["RUSHES_API_KEY"])
    results = run_program(environment, "together_journey.py", *account, path)
    assert results["sdk"] == version
    return results


def downloaded(video: dict[str, Any], folder: Path) -> VideoInfo:
    """Download the video by its link, without a key."""
    reply = httpx.get(video["outputs"]["video_url"])
    assert (reply.status_code, reply.headers["content-type"]) == (200, "video/mp4")
    return decode(reply.content, folder)


def test_video_is_rendered_as_requested(journey, tmp_path):
    made = journey["made"]
    video = downloaded(made, tmp_path)
    assert (video.codec, video.size, video.frames, video.seconds) == ("h264", (128, 72), 12, 1.0)
    assert (made["object"], made["model"]) == ("video", "sandbox-together/sandbox-1")
    assert (made["size"], made["seconds"]) == ("128x72", "1")
    assert made["created_at"] <= made["completed_at"]
    assert "error" not in made


def test_polls_return_only_published_statuses(journey):
    seen = {status for job in journey.values() if "seen" in job for status in job["seen"]}
    assert seen == {"in_progress", "completed", "failed"}


def test_cost_is_that_of_provider(journey):
    """The catalog's estimate would be 0.5."""
    assert journey["made"]["outputs"]["cost"] == 1


def test_seed_reaches_provider(journey, stack):
    assert upstream_creates(stack, "a lighthouse in the fog")[-1]["seed"] == 7
    assert journey["made"]["status"] == "completed"


@pytest.mark.parametrize("case", ["with image", "with image, old field", "with reference"])
def test_input_images_reach_provider(journey, stack, tmp_path, case):
    assert downloaded(journey[case], tmp_path).size == (128, 72)
    for prompt in ("from an image", "as shown"):
        assert upstream_creates(stack, prompt)[-1]["has_input_reference"]


def test_edit_of_linked_video(journey, stack, tmp_path):
    assert downloaded(journey["edited"], tmp_path).size == (128, 72)
    assert upstream_creates(stack, "at night")[-1]["source"] == "edits"


def test_model_without_sizes_uses_resolution(journey, tmp_path):
    assert downloaded(journey["by resolution"], tmp_path).size == (128, 72)
    assert journey["by resolution"]["size"] == "128x72"


def test_failures_have_code_and_message(journey):
    failed, filtered = journey["failed"], journey["filtered"]
    assert failed["status"] == filtered["status"] == "failed"
    assert failed["error"] == {"code": "upstream_failed", "message": "The render was interrupted."}
    assert filtered["error"]["code"] == "content_filtered"
    assert "outputs" not in failed


@pytest.mark.parametrize("case", ["again", "expired"])
def test_link_works_when_retrieved_again_and_after_provider_link_expires(journey, tmp_path, case):
    assert downloaded(journey[case], tmp_path).seconds == 1.0


def test_models_are_listed(journey):
    if journey["sdk"] == OLDER[0]:
        models = {model["id"]: model for model in journey["models"]}
        assert models["sandbox-together/sandbox-1"]["type"] == "video"


def test_errors_have_code_and_field(journey):
    assert journey["refused"] == {
        "wrong key": {"status": 401, "code": "invalid_api_key", "param": None},
        "unknown id": {"status": 404, "code": "not_found", "param": "id"},
        "unknown model": {"status": 400, "code": "model_not_found", "param": "model"},
        "size": {"status": 400, "code": "invalid_value", "param": "width"},
        "length": {"status": 400, "code": "invalid_value", "param": "seconds"},
        "option": {"status": 400, "code": "invalid_value", "param": "ratio"},
        "audio": {"status": 400, "code": "invalid_value", "param": "generate_audio"},
        "keyframe": {"status": 400, "code": "invalid_value", "param": "media.frame_images"},
    }


def test_dialects_work_with_other_providers(client: httpx.Client, stack: Stack, tmp_path: Path):
    """Together's dialect with an OpenAI provider and vice versa; a whole price is an integer."""
    fields = {"prompt": "crosswise", "seconds": "1"}
    pixels = {"model": "sora-2", "width": 128, "height": 72}
    over_openai = client.post("/v2/videos", json={**fields, **pixels}).json()["id"]
    named = {"model": "sandbox-together/sandbox-1", "size": "128x72"}
    over_together = client.post("/openai/v1/videos", json={**fields, **named}).json()["id"]
    for job_id, cost in ((over_openai, "0.1"), (over_together, "1")):
        assert completes(client, job_id)
        reply = client.get(f"/v2/videos/{job_id}")
        assert f'"cost": {cost},' in reply.text
        assert downloaded(reply.json(), tmp_path).size == (128, 72)
    remix = client.post(f"/openai/v1/videos/{over_together}/remix", json={"prompt": "remixed"})
    assert completes(client, remix.json()["id"])
    assert upstream_creates(stack, "remixed")[-1]["source"] == "edits"
