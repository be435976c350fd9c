"""fal's unmodified clients against the running stack behind TLS, with both URL prefixes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.packaging import ROOT
from local.stack import Stack
from tests.e2e.programs import run_program
from tests.e2e.small_jobs import assert_small_video, small_png

HERE = Path(__file__).parent
PYTHON = ROOT / ".local/envs/clients/bin/python"


@pytest.fixture(scope="module")
def tls_proxy(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Yield host and port of a TLS proxy of the stack, and its certificate."""
    folder = tmp_path_factory.mktemp("certificate")
    make: list[str | Path] = [PYTHON, "-m", "trustme", "-q", "-d", folder, "-i", "127.0.0.1"]
    subprocess.run(make, check=True)
    files = (HERE / "tls.py", folder / "server.pem", folder / "server.key")
    command: list[str | Path] = [sys.executable, *files, str(stack.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listening:
        assert listening.stdout
        try:
            yield f"127.0.0.1:{listening.stdout.readline().strip()}", folder / "client.pem"
        finally:
            listening.terminate()


GENERATIONS = (("clients", "/queue"), ("clients", "/fal"), ("clients-older", "/fal"))


@pytest.fixture(scope="module", params=GENERATIONS, ids=" on ".join)
def journey(
    request: pytest.FixtureRequest,
    stack: Stack,
    tls_proxy: tuple[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("fal")
    (folder / "image.png").write_bytes(small_png())
    host, certificate = tls_proxy
    generation, prefix = request.param
    environment = {
        "FAL_QUEUE_RUN_HOST": host + prefix,
        "FAL_KEY": stack.environment()["RUSHES_API_KEY"],
        "SSL_CERT_FILE": str(certificate),
        "PATH": "/usr/bin:/bin",
    }
    image = folder / "image.png"
    results = run_program(generation, "fal_journey.py", image, variables=environment)
    return {**results, "prefix": prefix}


def test_subscribe_returns_playable_video(journey, tmp_path: Path):
    subscribed = journey["subscribed"]
    assert subscribed["in_order"]
    assert subscribed["states"][-1] == "Completed"
    file = subscribed["result"]["video"]
    assert file["content_type"] == "video/mp4"
    assert file["file_name"] == f"{subscribed['id']}.mp4"
    content = httpx.get(file["url"]).content
    assert len(content) == file["file_size"]
    assert_small_video(content, tmp_path)


def test_sub_path_of_app_is_separate_model(journey):
    assert journey["with image"]["result"]["video"]["file_size"] > 0


def test_unsupported_headers_are_reported_in_logs(journey):
    assert "result" in journey["with headers"]
    messages = [line["message"] for line in journey["with headers"]["logs"]]
    assert any("X-Fal-Request-Timeout" in message for message in messages)


def test_request_is_retrieved_by_id(journey, stack: Stack):
    by_hand = journey["by hand"]
    assert by_hand["early"]["status"] == 400
    assert by_hand["early"]["detail"] == "Request is still in progress"
    assert by_hand["result"]["video"]["file_name"] == by_hand["same"] == f"{by_hand['id']}.mp4"
    assert by_hand["again"] == "Completed"
    one = f"{stack.url}{journey['prefix']}/fal-ai/ltx-video/requests/{by_hand['id']}"
    assert by_hand["urls"] == [one, f"{one}/status", f"{one}/cancel"]
    assert by_hand["too late"]["status"] == 400


def test_job_is_available_in_other_dialects(journey, client: httpx.Client):
    job_id = journey["by hand"]["id"]
    assert client.get(f"/openai/v1/videos/{job_id}").json()["status"] == "completed"
    status = client.get(f"/queue/anything/requests/{job_id}/status").json()
    assert status["status"] == "COMPLETED"


def test_cancel_of_running_request_ends_it(journey):
    cancelled = journey["cancelled"]
    assert (cancelled["last"], cancelled["error_type"]) == ("Completed", "request_cancelled")
    result = cancelled["result"]
    assert (result["status"], result["type"]) == (422, "request_cancelled")


@pytest.mark.parametrize("how", ["filtered", "failed"])
def test_subscribe_raises_when_request_fails(journey, how: str):
    failed = journey[how]
    assert failed["states"][-1] == "Completed"
    assert failed["refused"]["status"] == 422
    assert failed["refused"]["type"] == failed["error_type"]
    assert failed["refused"]["detail"]


def test_filtered_request_has_fal_error_type(journey):
    assert journey["filtered"]["error_type"] == "content_policy_violation"


def test_errors_name_the_invalid_value(journey):
    refused = journey["refused"]
    statuses = {name: refusal["status"] for name, refusal in refused.items()}
    assert statuses == {
        "model": 400, "duration": 422, "option": 422, "image": 422, "webhook": 400,
        "id": 404, "cancel": 404, "key": 401,
    }  # fmt: skip
    for name, value in (
        *(("model", "fal-ai/none"), ("duration", "duration"), ("option", "expand_prompt")),
        *(("image", "image_url"), ("webhook", "fal_webhook")),
    ):
        assert value in str(refused[name]["detail"])
    (error,) = refused["duration"]["detail"]
    assert (error["loc"], error["type"]) == (["body", "duration"], refused["duration"]["type"])
