"""The sandbox as fal, as Pipelet and as Replicate: strict requests, correct responses."""

import base64
import time
import wave
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from sandbox.app import create_app

KEY = "key-of-the-tests"
FAL = {"authorization": f"Key {KEY}"}
BEARER = {"authorization": f"Bearer {KEY}"}
FILM = {"prompt": "A fox", "duration": "1", "resolution": "72p", "aspect_ratio": "16:9"}
PIPELET_FILM = {"prompt": "A fox", "duration": 1, "width": 128, "height": 72}
VERSION_OF_TONE = f"{3:064x}"
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[TestClient]:
    with TestClient(create_app(KEY)) as client:
        yield client


def awaited(look: Callable[[], Any], done: Callable[[Answer], bool]) -> Answer:
    deadline = time.monotonic() + 30
    while not done(answer := look().json()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return dict(answer)


def submitted(sandbox: TestClient, model: str, **arguments: object) -> Answer:
    answer = sandbox.post(f"/fal/{model}", json=arguments, headers=FAL)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ended(sandbox: TestClient, accepted: Answer) -> Answer:
    url = accepted["status_url"]
    return awaited(lambda: sandbox.get(url, headers=FAL), lambda it: it["status"] == "COMPLETED")


def of_fal(sandbox: TestClient, model: str, **arguments: object) -> Answer:
    accepted = submitted(sandbox, model, **arguments)
    ended(sandbox, accepted)
    return dict(sandbox.get(accepted["response_url"], headers=FAL).json())


def test_fal_drops_the_sub_path_of_a_model(sandbox):
    accepted = submitted(sandbox, "sandbox/film/standard", **FILM)
    assert f"/fal/sandbox/film/requests/{accepted['request_id']}" in accepted["response_url"]
    elsewhere = accepted["status_url"].replace("sandbox/film", "sandbox/film/standard")
    assert sandbox.get(elsewhere, headers=FAL).status_code == 404


def test_fal_says_202_until_a_request_has_ended(sandbox):
    accepted = submitted(sandbox, "sandbox/film/standard", **FILM | {"prompt": "[slow=1]"})
    answer = sandbox.get(accepted["status_url"], headers=FAL)
    assert (answer.status_code, "logs" in answer.json()) == (202, True)
    early = sandbox.get(accepted["response_url"], headers=FAL)
    assert (early.status_code, early.json()["detail"]) == (400, "Request is still in progress")
    assert ended(sandbox, accepted)["status"] == "COMPLETED"


def test_fal_has_files_of_every_kind_at_addresses_that_need_no_key(sandbox):
    film = of_fal(sandbox, "sandbox/film/standard", **FILM)["video"]
    assert sandbox.get(film["url"]).headers["content-type"] == "video/mp4"
    size = {"width": 128, "height": 72}
    (picture,) = of_fal(sandbox, "sandbox/picture", prompt="A fox", image_size=size)["images"]
    with Image.open(BytesIO(sandbox.get(picture["url"]).content)) as image:
        assert image.size == (128, 72)
    tone = of_fal(sandbox, "sandbox/tone", prompt="A tone", duration="2")["audio_file"]
    with wave.open(BytesIO(sandbox.get(tone["url"]).content)) as sound:
        assert sound.getnframes() / sound.getframerate() == 2.0
    assert sandbox.get(film["url"], headers=FAL).status_code == 400


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"duration": 1}, ["body", "duration"]),
        ({"colour": "red"}, ["body", "colour"]),
        ({"aspect_ratio": "wide"}, ["body", "aspect_ratio"]),
        ({"prompt": None}, ["body", "prompt"]),
    ],
)
def test_fal_refuses_what_a_model_does_not_take_by_name(sandbox, change, place):
    answer = sandbox.post("/fal/sandbox/film/standard", json={**FILM, **change}, headers=FAL)
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["detail"]] == [place]


def test_fal_tells_of_a_failure_in_the_status_and_of_the_filter_in_the_result(sandbox):
    failing = FILM | {"prompt": "[fail]"}
    failed = ended(sandbox, submitted(sandbox, "sandbox/film/standard", **failing))
    assert (failed["error"], failed["error_type"]) == ("The render broke off.", "internal_error")
    accepted = submitted(sandbox, "sandbox/film/standard", **FILM | {"prompt": "[filter]"})
    assert "error" not in ended(sandbox, accepted)
    result = sandbox.get(accepted["response_url"], headers=FAL)
    assert result.status_code == 422
    assert result.headers["x-fal-error-type"] == "content_policy_violation"


def test_fal_cancels_what_has_not_ended(sandbox):
    accepted = submitted(sandbox, "sandbox/film/standard", **FILM | {"prompt": "[slow=60]"})
    stopped = sandbox.put(accepted["cancel_url"], headers=FAL)
    assert (stopped.status_code, stopped.json()["status"]) == (202, "CANCELLATION_REQUESTED")
    assert ended(sandbox, accepted)["error_type"] == "request_cancelled"
    again = sandbox.put(accepted["cancel_url"], headers=FAL)
    assert (again.status_code, again.json()["status"]) == (400, "ALREADY_COMPLETED")


def of_pipelet(sandbox: TestClient, model: str, headers: dict[str, str]) -> Answer:
    path = f"/pipelet/queue/{model}"
    accepted = sandbox.post(path, json=PIPELET_FILM, headers={**BEARER, **headers}).json()
    awaited(
        lambda: sandbox.get(accepted["status_url"], headers=BEARER),
        lambda it: it["status"] == "COMPLETED",
    )
    return dict(sandbox.get(accepted["response_url"], headers=BEARER).json()["video"])


def test_pipelet_gives_an_address_where_asked_and_base64_otherwise(sandbox):
    asked = {"x-pipelet-output": "binary"}
    video = of_pipelet(sandbox, "film", asked)
    assert video["data_uri"] == video["data_url"]
    assert sandbox.get(video["data_url"]).content[4:8] == b"ftyp"
    for video in (of_pipelet(sandbox, "film", {}), of_pipelet(sandbox, "film-inline", asked)):
        assert base64.b64decode(video["data_uri"])[4:8] == b"ftyp"


def test_pipelet_cancels_only_what_has_not_begun(sandbox):
    waiting = {**PIPELET_FILM, "prompt": "[queue=60]"}
    accepted = sandbox.post("/pipelet/queue/film", json=waiting, headers=BEARER).json()
    status = sandbox.get(accepted["status_url"], headers=BEARER).json()
    assert (status["status"], status["statusMessages"]) == ("IN_QUEUE", {})
    assert sandbox.put(accepted["cancel_url"], headers=BEARER).status_code == 204
    status = sandbox.get(accepted["status_url"], headers=BEARER)
    assert status.json()["status"] == "CANCELLED"
    assert sandbox.put(accepted["cancel_url"], headers=BEARER).status_code == 409


def test_replicate_makes_films_by_name_and_tones_by_version(sandbox):
    inputs = {"prompt": "A fox", "duration": 1, "resolution": "72p", "aspect_ratio": "16:9"}
    path = "/replicate/v1/models/sandbox/film/predictions"
    film = predicted(sandbox, sandbox.post(path, json={"input": inputs}, headers=BEARER))
    assert sandbox.get(film["output"]).headers["content-type"] == "video/mp4"
    body = {"version": VERSION_OF_TONE, "input": {"prompt": "A tone", "duration": 1}}
    tone = predicted(sandbox, sandbox.post("/replicate/v1/predictions", json=body, headers=BEARER))
    assert sandbox.get(tone["output"]).headers["content-type"] == "audio/wav"
    by_name = "/replicate/v1/models/sandbox/tone/predictions"
    answer = sandbox.post(by_name, json={"input": body["input"]}, headers=BEARER)
    assert answer.status_code == 404


def test_files_vanish_where_a_prompt_asks_for_it(sandbox):
    inputs = {"prompt": "[expire=1]", "width": 128, "height": 72}
    path = "/replicate/v1/models/sandbox/picture/predictions"
    made = predicted(sandbox, sandbox.post(path, json={"input": inputs}, headers=BEARER))
    time.sleep(1.1)
    assert sandbox.get(made["output"][0]).status_code == 403


def test_replicate_cancels_and_refuses_in_its_own_words(sandbox):
    path = "/replicate/v1/models/sandbox/film/predictions"
    inputs = {"prompt": "[slow=60]", "duration": 1, "resolution": "72p"}
    made = sandbox.post(path, json={"input": inputs}, headers=BEARER).json()
    stopped = sandbox.post(made["urls"]["cancel"], headers=BEARER).json()
    assert (stopped["status"], stopped["error"]) == ("canceled", None)
    refused = sandbox.post(path, json={"input": {"prompt": "x", "size": "1x1"}}, headers=BEARER)
    assert (refused.status_code, refused.json()["title"]) == (422, "Input validation failed")
    assert "size" in refused.json()["detail"]


def predicted(sandbox: TestClient, created: Any) -> Answer:
    assert created.status_code == 201, created.text
    url = created.json()["urls"]["get"]
    return awaited(
        lambda: sandbox.get(url, headers=BEARER), lambda it: it["status"] in ("succeeded", "failed")
    )


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/fal/sandbox/tone", BEARER),
        ("/fal/sandbox/tone", {}),
        ("/pipelet/queue/film", FAL),
        ("/replicate/v1/predictions", FAL),
    ],
)
def test_the_key_is_wanted_in_the_scheme_of_the_protocol(sandbox, path, headers):
    assert sandbox.post(path, json={}, headers=headers).status_code == 401
