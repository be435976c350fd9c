"""The unchanged Together SDKs against the running stack, whose upstream speaks the same."""

import json
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from local.packaging import ROOT
from local.stack import Stack
from local.video_probe import Film, measure
from tests.e2e.small_jobs import completes

JOURNEY = Path(__file__).with_name("together_journey.py")
JOURNEYS = (
    ("3.1.1", "clients", ""),
    ("3.1.1", "clients", "/v1"),
    ("2.42.0", "clients-older", "/v2"),
)
"""Version 3 adds /v2/videos to its base URL, version 2 adds /videos."""


@pytest.fixture(scope="module", params=JOURNEYS, ids=lambda it: f"{it[0]} on {it[2] or '/'}")
def journey(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: Any) -> dict[str, Any]:
    version, environment, prefix = request.param
    picture = BytesIO()
    Image.new("RGB", (128, 72), "teal").save(picture, "PNG")
    path = tmp_path_factory.mktemp("together") / "picture.png"
    path.write_bytes(picture.getvalue())
    told = stack.environment()
    done = subprocess.run(
        [
            ROOT / f".local/envs/{environment}/bin/python",
            JOURNEY,
            told["RUSHES_URL"] + prefix,
            told["RUSHES_API_KEY"],
            path,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    assert facts["sdk"] == version
    return facts


def primary_artifact(video: dict[str, Any], folder: Path) -> Film:
    """What is at its link, which wants no key."""
    path = folder / f"{video['id']}.mp4"
    reply = httpx.get(video["outputs"]["video_url"])
    assert (reply.status_code, reply.headers["content-type"]) == (200, "video/mp4")
    path.write_bytes(reply.content)
    return measure(path)


def upstream_of(stack: Stack, prompt: str) -> dict[str, Any]:
    """The last create call of that prompt that reached the provider."""
    request_log = httpx.get(f"{stack.sandbox_url}/_ledger").json()
    entry: dict[str, Any] = [it for it in request_log["creates"] if it["prompt"] == prompt][-1]
    return entry


def test_a_video_is_made_as_asked_and_its_link_leads_to_it(journey, tmp_path):
    made = journey["made"]
    film = primary_artifact(made, tmp_path)
    assert (film.codec, film.size, film.pictures, film.seconds) == ("h264", (128, 72), 12, 1.0)
    assert (made["object"], made["model"]) == ("video", "sandbox-together/sandbox-1")
    assert (made["size"], made["seconds"]) == ("128x72", "1")
    assert made["created_at"] <= made["completed_at"]
    assert "error" not in made


def test_only_published_statuses_are_seen(journey):
    seen = {status for it in journey.values() if "seen" in it for status in it["seen"]}
    assert seen == {"in_progress", "completed", "failed"}


def test_the_cost_is_what_the_provider_says(journey):
    """The catalog's estimate would be 0.5."""
    assert journey["made"]["outputs"]["cost"] == 1


def test_the_seed_reaches_the_provider(journey, stack):
    assert upstream_of(stack, "a lighthouse in the fog")["seed"] == 7
    assert journey["made"]["status"] == "completed"


@pytest.mark.parametrize("kind", ["pictured", "pictured as before", "referenced"])
def test_pictures_reach_the_provider(journey, stack, tmp_path, kind):
    assert primary_artifact(journey[kind], tmp_path).size == (128, 72)
    for prompt in ("from a picture", "as shown"):
        assert upstream_of(stack, prompt)["has_input_reference"]


def test_a_film_is_edited_that_a_link_leads_to(journey, stack, tmp_path):
    assert primary_artifact(journey["edited"], tmp_path).size == (128, 72)
    assert upstream_of(stack, "at night")["source"] == "edits"


def test_a_model_without_sizes_is_asked_by_resolution(journey, tmp_path):
    made = journey["by resolution"]
    assert primary_artifact(made, tmp_path).size == (128, 72)
    assert made["size"] == "72p"


def test_each_look_gives_a_link_that_works(journey, tmp_path):
    assert primary_artifact(journey["again"], tmp_path).seconds == 1.0


def test_failures_come_with_code_and_message(journey):
    failed, filtered = journey["failed"], journey["filtered"]
    assert failed["status"] == filtered["status"] == "failed"
    assert failed["error"] == {"code": "upstream_failed", "message": "The render broke off."}
    assert filtered["error"]["code"] == "content_filtered"
    assert "outputs" not in failed


def test_the_film_outlives_the_providers_link(journey, tmp_path):
    assert primary_artifact(journey["expired"], tmp_path).seconds == 1.0


def test_refusals_reach_the_sdk_with_code_and_field(journey):
    assert journey["refused"] == {
        "wrong key": {"status": 401, "code": "invalid_api_key", "param": None},
        "unknown id": {"status": 404, "code": "not_found", "param": "id"},
        "unknown model": {"status": 400, "code": "model_not_found", "param": "model"},
        "size": {"status": 400, "code": "invalid_value", "param": "width"},
        "length": {"status": 400, "code": "invalid_value", "param": "seconds"},
        "option": {"status": 400, "code": "invalid_value", "param": "ratio"},
        "sound": {"status": 400, "code": "invalid_value", "param": "generate_audio"},
        "keyframe": {"status": 400, "code": "invalid_value", "param": "media.frame_images"},
    }


def test_any_dialect_reaches_any_provider(client: httpx.Client, stack: Stack, tmp_path: Path):
    """Here Together's over OpenAI's and the other way round; a whole price is an integer."""
    asked = {"prompt": "crosswise", "seconds": "1"}
    pixels = {"model": "sora-2", "width": 128, "height": 72}
    over_openai = client.post("/v2/videos", json={**asked, **pixels}).json()["id"]
    named = {"model": "sandbox-together/sandbox-1", "size": "128x72"}
    over_together = client.post("/openai/v1/videos", json={**asked, **named}).json()["id"]
    for job_id, cost in ((over_openai, "0.1"), (over_together, "1")):
        assert completes(client, job_id, 60)
        reply = client.get(f"/v2/videos/{job_id}")
        assert f'"cost": {cost},' in reply.text
        assert primary_artifact(reply.json(), tmp_path).size == (128, 72)
    remix = client.post(f"/openai/v1/videos/{over_together}/remix", json={"prompt": "remixed"})
    assert completes(client, remix.json()["id"], 60)
    assert upstream_of(stack, "remixed")["source"] == "edits"
