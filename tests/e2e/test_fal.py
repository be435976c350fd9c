"""fal's own client, unchanged, against the running stack behind TLS, by both ways in."""

import json
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from local.packaging import ROOT
from local.stack import Stack
from local.video_probe import measure

HERE = Path(__file__).parent
PYTHON = ROOT / ".local/envs/clients/bin/python"


@pytest.fixture(scope="module")
def front(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Host and port that take TLS for the stack, and the certificate to trust."""
    folder = tmp_path_factory.mktemp("certificate")
    make: list[str | Path] = [PYTHON, "-m", "trustme", "-q", "-d", folder, "-i", "127.0.0.1"]
    subprocess.run(make, check=True)
    command: list[str | Path] = [
        sys.executable,
        HERE / "tls.py",
        folder / "server.pem",
        folder / "server.key",
    ]
    with subprocess.Popen(
        [*command, str(stack.port)], stdout=subprocess.PIPE, text=True
    ) as listening:
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
    front: tuple[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("fal")
    picture = BytesIO()
    Image.new("RGB", (128, 72), "teal").save(picture, "PNG")
    (folder / "picture.png").write_bytes(picture.getvalue())
    host, certificate = front
    generation, prefix = request.param
    environment = {
        "FAL_QUEUE_RUN_HOST": host + prefix,
        "FAL_KEY": stack.environment()["RUSHES_API_KEY"],
        "SSL_CERT_FILE": str(certificate),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [
            ROOT / f".local/envs/{generation}/bin/python",
            HERE / "fal_journey.py",
            folder / "picture.png",
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "prefix": prefix}


def test_subscribe_ends_with_a_film_that_plays(journey, tmp_path: Path):
    subscribed = journey["subscribed"]
    assert subscribed["in_order"]
    assert subscribed["states"][-1] == "Completed"
    video = subscribed["result"]["video"]
    assert (video["content_type"], video["file_name"]) == (
        "video/mp4",
        f"{subscribed['id']}.mp4",
    )
    content = httpx.get(video["url"]).content
    assert len(content) == video["file_size"]
    (tmp_path / "film.mp4").write_bytes(content)
    film = measure(tmp_path / "film.mp4")
    assert (film.codec, film.size, film.seconds) == ("h264", (128, 72), 1.0)


def test_a_path_below_an_app_is_a_model_of_its_own(journey):
    assert journey["pictured"]["result"]["video"]["file_size"] > 0


def test_what_is_not_watched_is_said_in_the_logs(journey):
    assert "result" in journey["hurried"]
    told = [line["message"] for line in journey["hurried"]["logs"]]
    assert any("X-Fal-Request-Timeout" in message for message in told)


def test_a_request_is_followed_by_its_id(journey, stack: Stack):
    by_hand = journey["by hand"]
    assert by_hand["early"]["status"] == 400
    assert by_hand["early"]["detail"] == "Request is still in progress"
    assert by_hand["result"]["video"]["file_name"] == by_hand["same"] == f"{by_hand['id']}.mp4"
    assert by_hand["again"] == "Completed"
    one = f"{stack.url}{journey['prefix']}/fal-ai/ltx-video/requests/{by_hand['id']}"
    assert by_hand["addresses"] == [one, f"{one}/status", f"{one}/cancel"]
    assert by_hand["too late"]["status"] == 400


def test_the_same_job_is_there_for_the_other_dialects(journey, client: httpx.Client):
    job_id = journey["by hand"]["id"]
    assert client.get(f"/openai/v1/videos/{job_id}").json()["status"] == "completed"
    status = client.get(f"/queue/anything/requests/{job_id}/status").json()
    assert status["status"] == "COMPLETED"


def test_a_running_request_is_cancelled_and_the_client_hears_of_it(journey):
    assert journey["cancelled"]["last"] == "Completed"
    assert journey["cancelled"]["error_type"] == "request_cancelled"
    assert journey["cancelled"]["result"]["status"] == 422
    assert journey["cancelled"]["result"]["type"] == "request_cancelled"


@pytest.mark.parametrize("how", ["filtered", "failed"])
def test_subscribe_ends_when_the_request_fails(journey, how: str):
    failed = journey[how]
    assert failed["states"][-1] == "Completed"
    assert failed["refused"]["status"] == 422
    assert failed["refused"]["type"] == failed["error_type"]
    assert failed["refused"]["detail"]


def test_a_filtered_request_has_the_clients_own_word_for_it(journey):
    assert journey["filtered"]["error_type"] == "content_policy_violation"


def test_refusals_name_what_is_wrong(journey):
    refused = journey["refused"]
    statuses = {name: refusal["status"] for name, refusal in refused.items()}
    assert statuses == {
        "model": 400, "duration": 400, "option": 400, "picture": 400, "webhook": 400,
        "id": 404, "cancel": 404, "key": 401,
    }  # fmt: skip
    assert "fal-ai/none" in refused["model"]["detail"]
    assert "duration" in refused["duration"]["detail"]
    assert "expand_prompt" in refused["option"]["detail"]
    assert "image_url" in refused["picture"]["detail"]
    assert "fal_webhook" in refused["webhook"]["detail"]
