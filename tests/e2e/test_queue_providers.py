"""Whole jobs with fal's, Pipelet's and Replicate's protocols behind the API: files of each kind."""

import time
import wave
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from local.video_probe import measure

SMALL = {"seconds": "1", "size": "128x72"}
FILMS = (
    "sandbox-fal/film/standard",
    "sandbox-pipelet/film",
    "sandbox-pipelet/film-inline",
    "sandbox-replicate/film",
)
PICTURES = ("sandbox-fal/picture", "sandbox-replicate/picture")
TONES = ("sandbox-fal/tone", "sandbox-replicate/tone")
ONE_OF_EACH = ("sandbox-fal/film/standard", "sandbox-pipelet/film", "sandbox-replicate/film")
Video = dict[str, Any]


def asked(client: httpx.Client, model: str, prompt: str, **fields: Any) -> httpx.Response:
    body = {"model": model, "prompt": f"{prompt} {uuid4()}", **fields}
    return client.post("/openai/v1/videos", json=body)


def ended(client: httpx.Client, model: str, prompt: str, **fields: Any) -> Video:
    reply = asked(client, model, prompt, **fields)
    assert reply.status_code == 200, reply.text
    return finished(client, reply.json()["id"])


def ended_by_path(client: httpx.Client, model: str, prompt: str, **fields: Any) -> Video:
    """Handed in by Tiyaro's path: OpenAI's API has words for films only, but shows any job."""
    wanted = {"input": {"prompt": f"{prompt} {uuid4()}", **fields}}
    reply = client.post(f"/v1/async/{model}", json=wanted)
    assert reply.status_code == 202, reply.text
    return finished(client, reply.json()["id"])


def finished(client: httpx.Client, job_id: str) -> Video:
    def shown() -> Video:
        video: Video = client.get(f"/openai/v1/videos/{job_id}").json()
        return video

    awaited(lambda: shown()["status"] in ("completed", "failed"))
    return shown()


def awaited(look: Callable[[], Any], seconds: float = 90) -> Any:
    """What a look brings, as soon as it brings anything."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)
    return found


def made(stack, prompt: str) -> str | None:
    """The provider's id of the job that it made of a prompt."""
    return next((it["id"] for it in request_log(stack)["creates"] if it["prompt"] == prompt), None)


def content(client: httpx.Client, video: Video) -> httpx.Response:
    """The file, behind an address of the bucket's."""
    assert video["status"] == "completed", video["error"]
    answer = client.get(f"/openai/v1/videos/{video['id']}/content")
    assert answer.status_code == 302
    return httpx.get(answer.headers["location"])


def request_log(stack) -> dict[str, Any]:
    entries: dict[str, Any] = httpx.get(f"{stack.sandbox_url}/_ledger").json()
    return entries


@pytest.mark.parametrize("model", FILMS)
def test_a_film_arrives_with_the_size_and_the_length_that_were_asked(client, model, tmp_path):
    file = content(client, ended(client, model, "A fox", seed=7, negative_prompt="fog", **SMALL))
    assert file.headers["content-type"] == "video/mp4"
    (tmp_path / "film.mp4").write_bytes(file.content)
    film = measure(tmp_path / "film.mp4")
    assert (film.codec, film.size, film.seconds) == ("h264", (128, 72), 1.0)


@pytest.mark.parametrize("model", PICTURES)
def test_a_picture_arrives_as_one(client, model):
    file = content(client, ended_by_path(client, model, "A fox", size="128x72"))
    assert file.headers["content-type"] == "image/png"
    with Image.open(BytesIO(file.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (128, 72))


@pytest.mark.parametrize("model", TONES)
def test_sound_arrives_as_sound(client, model):
    file = content(client, ended_by_path(client, model, "A tone", seconds=1))
    assert file.headers["content-type"] == "audio/wav"
    with wave.open(BytesIO(file.content)) as sound:
        assert sound.getnframes() / sound.getframerate() == 1.0


@pytest.mark.parametrize("path", ["/openai/v1/videos", "/v1/videos", "/v2/videos"])
@pytest.mark.parametrize("model", [*PICTURES, *TONES])
def test_an_api_of_films_takes_nothing_else(client, path, model):
    reply = client.post(path, json={"model": model, "prompt": "A fox"})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "model")


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_a_picture_to_start_from_reaches_the_provider(client, stack, model):
    picture = BytesIO()
    Image.new("RGB", (128, 72), "teal").save(picture, "PNG")
    prompt = f"from a picture {uuid4()}"
    files = {"input_reference": ("start.png", picture.getvalue(), "image/png")}
    fields = {"model": model, "prompt": prompt, **SMALL}
    created = client.post("/openai/v1/videos", data=fields, files=files)
    assert finished(client, created.json()["id"])["status"] == "completed"
    (entry,) = (it for it in request_log(stack)["creates"] if it["prompt"] == prompt)
    assert entry["has_input_reference"]
    assert entry["accepted"]


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_what_the_filter_keeps_back_or_breaks_off_fails_in_the_providers_words(client, model):
    broken = ended(client, model, "[fail]", **SMALL)
    assert broken["error"] == {"code": "upstream_failed", "message": "The render broke off."}
    filtered = ended(client, model, "[filter]", **SMALL)
    assert filtered["status"] == "failed"
    if "pipelet" in model:  # it has no code for that, only words
        assert filtered["error"]["message"] == "The video was withheld by the content filter."
    else:
        assert filtered["error"]["code"] == "content_filtered"


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_a_refused_prompt_fails_the_job(client, model):
    refused = ended(client, model, "[refuse]", **SMALL)
    expected = "upstream_refused" if "replicate" in model else "content_filtered"
    assert (refused["status"], refused["error"]["code"]) == ("failed", expected)


@pytest.mark.parametrize("model", ["sandbox-fal/film/standard", "sandbox-replicate/film"])
def test_bad_moments_of_the_provider_cost_nothing_but_time(client, model):
    assert ended(client, model, "[429=1] [poll-503=1]", **SMALL)["status"] == "completed"


def test_the_copy_outlives_the_providers_file(client, stack):
    video = ended(client, "sandbox-replicate/film", "[expire=15]", **SMALL)
    assert content(client, video).content
    upstream_id = made(stack, video["prompt"])
    gone = f"{stack.sandbox_url}/outputs/{upstream_id}/video.mp4"
    assert awaited(lambda: httpx.get(gone).status_code == 403)
    assert content(client, video).content


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_a_deleted_job_is_stopped_at_the_provider(client, stack, model):
    prompt = f"[slow=60] {uuid4()}"
    created = client.post("/openai/v1/videos", json={"model": model, "prompt": prompt, **SMALL})
    upstream_id = awaited(lambda: made(stack, prompt))
    client.delete(f"/openai/v1/videos/{created.json()['id']}")
    if "pipelet" not in model:  # it stops only what has not begun
        assert awaited(lambda: upstream_id in request_log(stack)["deletes"])


def test_options_that_a_model_does_not_have_are_refused_by_name(client):
    for model, unknown in (("tone", {"negative_prompt": "hiss"}), ("picture", {"seconds": 1})):
        wanted = {"input": {"prompt": "A fox", **unknown}}
        reply = client.post(f"/v1/async/sandbox-fal/{model}", json=wanted)
        assert (reply.status_code, reply.json()["param"]) == (400, next(iter(unknown)))
