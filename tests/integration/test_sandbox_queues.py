"""The sandbox's fal, Pipelet and Replicate protocols: strict requests, correct responses."""

import base64
import wave
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from sandbox.app import create_app
from tests.integration.sandbox_client import BEARER, KEY
from tests.waiting import wait_for

FAL = {"authorization": f"Key {KEY}"}
VIDEO = {"prompt": "A fox", "duration": "1", "resolution": "72p", "aspect_ratio": "16:9"}
PIPELET_VIDEO = {"prompt": "A fox", "duration": 1, "width": 128, "height": 72}
VERSION_OF_TONE = f"{3:064x}"
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[TestClient]:
    with TestClient(create_app(KEY), base_url="http://127.0.0.1") as client:
        yield client


def wait_for_status(
    sandbox: TestClient, url: str, headers: dict[str, str], *statuses: str
) -> Answer:
    def poll() -> Answer:
        answer: Answer = sandbox.get(url, headers=headers).json()
        return answer if answer["status"] in statuses else {}

    return wait_for(poll)


def submitted(sandbox: TestClient, model: str, **arguments: object) -> Answer:
    answer = sandbox.post(f"/fal/{model}", json=arguments, headers=FAL)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ended(sandbox: TestClient, accepted: Answer) -> Answer:
    return wait_for_status(sandbox, accepted["status_url"], FAL, "COMPLETED")


def of_fal(sandbox: TestClient, model: str, **arguments: object) -> Answer:
    accepted = submitted(sandbox, model, **arguments)
    ended(sandbox, accepted)
    return dict(sandbox.get(accepted["response_url"], headers=FAL).json())


def test_fal_urls_omit_sub_path_of_model(sandbox):
    accepted = submitted(sandbox, "sandbox/video/standard", **VIDEO)
    assert f"/fal/sandbox/video/requests/{accepted['request_id']}" in accepted["response_url"]
    elsewhere = accepted["status_url"].replace("sandbox/video", "sandbox/video/standard")
    assert sandbox.get(elsewhere, headers=FAL).status_code == 404


def test_fal_status_is_202_until_request_ends(sandbox):
    accepted = submitted(sandbox, "sandbox/video/standard", **VIDEO | {"prompt": "[slow=5]"})
    answer = sandbox.get(accepted["status_url"], headers=FAL)
    assert (answer.status_code, "logs" in answer.json()) == (202, True)
    early = sandbox.get(accepted["response_url"], headers=FAL)
    assert (early.status_code, early.json()["detail"]) == (400, "Request is still in progress")
    assert ended(sandbox, accepted)["status"] == "COMPLETED"


def test_fal_output_urls_need_no_key(sandbox):
    video = of_fal(sandbox, "sandbox/video/standard", **VIDEO)["video"]
    assert sandbox.get(video["url"]).headers["content-type"] == "video/mp4"
    size = {"width": 128, "height": 72}
    (image,) = of_fal(sandbox, "sandbox/image", prompt="A fox", image_size=size)["images"]
    with Image.open(BytesIO(sandbox.get(image["url"]).content)) as decoded:
        assert decoded.size == (128, 72)
    tone = of_fal(sandbox, "sandbox/tone", prompt="A tone", duration="2")["audio_file"]
    with wave.open(BytesIO(sandbox.get(tone["url"]).content)) as audio:
        assert audio.getnframes() / audio.getframerate() == 2.0
    assert sandbox.get(video["url"], headers=FAL).status_code == 400


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"duration": 1}, ["body", "duration"]),
        ({"colour": "red"}, ["body", "colour"]),
        ({"aspect_ratio": "wide"}, ["body", "aspect_ratio"]),
        ({"prompt": None}, ["body", "prompt"]),
    ],
)
def test_fal_refuses_invalid_argument_by_name(sandbox, change, place):
    answer = sandbox.post("/fal/sandbox/video/standard", json={**VIDEO, **change}, headers=FAL)
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["detail"]] == [place]


def test_fal_reports_failure_in_status_and_filter_in_result(sandbox):
    failing = VIDEO | {"prompt": "[fail]"}
    failed = ended(sandbox, submitted(sandbox, "sandbox/video/standard", **failing))
    assert (failed["error"], failed["error_type"]) == (
        "The render was interrupted.",
        "internal_error",
    )
    accepted = submitted(sandbox, "sandbox/video/standard", **VIDEO | {"prompt": "[filter]"})
    assert "error" not in ended(sandbox, accepted)
    result = sandbox.get(accepted["response_url"], headers=FAL)
    assert result.status_code == 422
    assert result.headers["x-fal-error-type"] == "content_policy_violation"


def test_fal_cancels_unfinished_request(sandbox):
    accepted = submitted(sandbox, "sandbox/video/standard", **VIDEO | {"prompt": "[slow=60]"})
    stopped = sandbox.put(accepted["cancel_url"], headers=FAL)
    assert (stopped.status_code, stopped.json()["status"]) == (202, "CANCELLATION_REQUESTED")
    assert ended(sandbox, accepted)["error_type"] == "request_cancelled"
    again = sandbox.put(accepted["cancel_url"], headers=FAL)
    assert (again.status_code, again.json()["status"]) == (400, "ALREADY_COMPLETED")


def of_pipelet(sandbox: TestClient, model: str, headers: dict[str, str]) -> Answer:
    path = f"/pipelet/queue/{model}"
    accepted = sandbox.post(path, json=PIPELET_VIDEO, headers={**BEARER, **headers}).json()
    wait_for_status(sandbox, accepted["status_url"], BEARER, "COMPLETED")
    return dict(sandbox.get(accepted["response_url"], headers=BEARER).json()["video"])


def test_pipelet_returns_url_on_request_and_base64_otherwise(sandbox):
    binary = {"x-pipelet-output": "binary"}
    video = of_pipelet(sandbox, "video", binary)
    assert video["data_uri"] == video["data_url"]
    assert sandbox.get(video["data_url"]).content[4:8] == b"ftyp"
    for video in (of_pipelet(sandbox, "video", {}), of_pipelet(sandbox, "video-inline", binary)):
        assert base64.b64decode(video["data_uri"])[4:8] == b"ftyp"


def test_pipelet_cancels_only_queued_requests(sandbox):
    waiting = {**PIPELET_VIDEO, "prompt": "[queue=60]"}
    accepted = sandbox.post("/pipelet/queue/video", json=waiting, headers=BEARER).json()
    status = sandbox.get(accepted["status_url"], headers=BEARER).json()
    assert (status["status"], status["statusMessages"]) == ("IN_QUEUE", {})
    assert sandbox.put(accepted["cancel_url"], headers=BEARER).status_code == 204
    status = sandbox.get(accepted["status_url"], headers=BEARER)
    assert status.json()["status"] == "CANCELLED"
    assert sandbox.put(accepted["cancel_url"], headers=BEARER).status_code == 409


def test_replicate_runs_official_models_by_name_and_others_by_version(sandbox):
    inputs = {"prompt": "A fox", "duration": 1, "resolution": "72p", "aspect_ratio": "16:9"}
    path = "/replicate/v1/models/sandbox/video/predictions"
    video = predicted(sandbox, sandbox.post(path, json={"input": inputs}, headers=BEARER))
    assert sandbox.get(video["output"]).headers["content-type"] == "video/mp4"
    body = {"version": VERSION_OF_TONE, "input": {"prompt": "A tone", "duration": 1}}
    tone = predicted(sandbox, sandbox.post("/replicate/v1/predictions", json=body, headers=BEARER))
    assert sandbox.get(tone["output"]).headers["content-type"] == "audio/wav"
    by_name = "/replicate/v1/models/sandbox/tone/predictions"
    answer = sandbox.post(by_name, json={"input": body["input"]}, headers=BEARER)
    assert answer.status_code == 404


def test_expire_removes_output_file(sandbox):
    inputs = {"prompt": "[expire=1]", "width": 128, "height": 72}
    path = "/replicate/v1/models/sandbox/image/predictions"
    made = predicted(sandbox, sandbox.post(path, json={"input": inputs}, headers=BEARER))
    wait_for(lambda: sandbox.get(made["output"][0]).status_code == 403)


def test_replicate_cancels_and_refuses_in_own_format(sandbox):
    path = "/replicate/v1/models/sandbox/video/predictions"
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
    return wait_for_status(sandbox, url, BEARER, "succeeded", "failed")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/fal/sandbox/tone", BEARER),
        ("/fal/sandbox/tone", {}),
        ("/pipelet/queue/video", FAL),
        ("/replicate/v1/predictions", FAL),
    ],
)
def test_key_must_use_scheme_of_protocol(sandbox, path, headers):
    assert sandbox.post(path, json={}, headers=headers).status_code == 401
