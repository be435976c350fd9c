"""`rushes generate`, and `rushes job` with an API key, against the native API in this process."""

import json
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from typer.testing import Result

from cli import deployment_options
from cli.api import Api
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.unit.api.native.native_caller import NativeCaller
from tests.unit.cli.test_app import run
from tests.unit.dialects.api_client import ACCOUNT, PNG, VIDEO

URL = "https://rushes.example"
REFUSED = JobError(code="content_filtered", message="the prompt was refused")


class Client:
    """`ending` is how the jobs end, at the first pause of the command."""

    def __init__(self, native: NativeCaller) -> None:
        self.native = native
        self.ending: tuple[JobStatus, JobError | None] = (JobStatus.COMPLETED, None)
        self.api = Api(URL, native.key, ("--profile", "team"), httpx.MockTransport(self.handle))

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "rushes.example":
            return self._bucket(request)
        query = parse_qsl(request.url.query.decode())
        body = json.loads(request.content) if request.content else None
        headers = {"authorization": request.headers["authorization"]}
        with redirect_stdout(StringIO()):  # the metrics of the function
            reply = self.native.send(request.method, request.url.path, body, headers, query)
        return httpx.Response(reply.status, text=reply.text)

    def _bucket(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            key = self.native.blobs.key_of(str(request.url))
            assert key
            self.native.blobs.objects[key] = request.content
            return httpx.Response(200)
        return httpx.Response(200, content=VIDEO)

    def pause(self, _seconds: float) -> None:
        for job in list(self.native.jobs.due(float("inf"), 100)):
            if not job.is_finished:
                self.native.finish(job, *self.ending)

    def run(self, *arguments: str) -> Result:
        return run(*arguments)

    def json(self, *arguments: str, code: int = 0) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client(NativeCaller(monkeypatch))
    found: Callable[..., Api] = lambda *_, **__: client.api  # noqa: E731
    for name in ("find_api", "client_api"):
        monkeypatch.setattr(deployment_options, name, found)
    monkeypatch.setattr(time, "sleep", client.pause)
    monkeypatch.chdir(tmp_path)
    return client


def test_file_of_a_job_is_stored(client: Client, tmp_path: Path):
    result = client.run(
        "generate", "a boat", "--seconds", "4", "--tag", "team=ads", "-o", "boat.mp4"
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "boat.mp4").read_bytes() == VIDEO
    file, cost = result.stdout.splitlines()
    assert file == "boat.mp4"
    assert cost.startswith("cost $0.40, model sandbox/video, job job_")
    assert "queued 0 %" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boat.mp4"]
    (job,) = client.json("job", "list", "--tag", "team=ads")
    assert job["tags"] == {"team": "ads"}


def test_image_is_uploaded_and_options_are_sent(client: Client, tmp_path: Path):
    (tmp_path / "start.png").write_bytes(PNG)
    options = ("--model", "sandbox/video", "--option", "seed=7")
    job = client.json("generate", "a boat", "--image", "start.png", *options)
    assert [entry["role"] for entry in job["parameters"]["inputs"]] == ["image"]
    assert job["parameters"]["seed"] == 7
    assert job["files"] == [f"{job['id']}.mp4"]
    assert (tmp_path / job["files"][0]).read_bytes() == VIDEO


def test_dry_run_prints_the_price_and_creates_nothing(client: Client):
    result = client.run("generate", "a boat", "--seconds", "8", "--dry-run")
    assert result.stdout.splitlines() == [
        "sandbox/video at sandbox: price $0.80",
        "  then spare/video: $2.00",
    ]
    found = client.json("generate", "a boat", "--dry-run")
    assert found["dry_run"]
    assert client.json("job", "list") == []


def test_job_that_is_not_waited_for(client: Client):
    result = client.run("generate", "a boat", "--no-wait")
    job_id = result.stdout.strip()
    shown = client.run("job", "show", job_id)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0] == f"{job_id}: queued, 0 %"
    assert f"  rushes job cancel {job_id} --profile team" in shown.stdout.splitlines()
    watched = client.run("job", "watch", job_id)
    assert (watched.exit_code, watched.stdout) == (0, f"{job_id}: completed\n")


def test_failed_job_ends_with_1_and_its_remedy(client: Client, tmp_path: Path):
    client.ending = (JobStatus.FAILED, REFUSED)
    result = client.run("generate", "a boat")
    assert result.exit_code == 1
    assert "  error: content_filtered: the prompt was refused" in result.stdout
    assert "  to do: Change the prompt or the input file." in result.stdout
    assert list(tmp_path.iterdir()) == []
    job_id = result.stdout.partition(":")[0]
    assert client.run("job", "watch", job_id).exit_code == 1
    again = client.run("job", "retry", job_id)
    assert again.stdout.startswith("created job_")
    assert job_id not in again.stdout


def test_job_is_cancelled(client: Client):
    job_id = client.run("generate", "a boat", "--no-wait").stdout.strip()
    result = client.run("job", "cancel", job_id)
    assert result.exit_code == 0
    job = client.native.jobs.get(ACCOUNT, job_id)
    assert job
    assert job.cancel_requested_at


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("a boat", "--seconds", "9"), "seconds must be one of 4, 8 (got 9)", 1),
        (("a boat", "--model", "sandbx/video"), "HTTP 400: model_not_found", 1),
        (("a boat", "--tag", "team"), "--tag must be NAME=VALUE (got 'team')", 2),
        (("a boat", "--image", "absent.png"), "absent.png cannot be read: FileNotFound", 2),
        (("a boat", "-o", "no/such/folder.mp4"), "--output: folder", 2),
        (("a boat", "--option", "=7"), "--option must be NAME=VALUE (got '=7')", 2),
    ],
)
def test_other_input_is_refused(
    client: Client, arguments: tuple[str, ...], message: str, code: int, tmp_path: Path
):
    result = client.run("generate", *arguments)
    assert (result.exit_code, message in result.stderr) == (code, True), result.stderr
    assert list(tmp_path.iterdir()) == []
    assert client.json("job", "list") == []


def test_ctrl_c_leaves_no_partial_file_and_the_job_running(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    result = client.run("generate", "a boat")
    assert result.exit_code == 130
    assert list(tmp_path.iterdir()) == []
    (job,) = client.json("job", "list")
    assert f"created {job['id']}" in result.stderr
    assert job["status"] == "queued"


@pytest.mark.parametrize("error", [KeyboardInterrupt, httpx.ReadError])
def test_interrupted_download_leaves_no_file(
    error: type[BaseException], client: Client, tmp_path: Path
):
    def download(_: httpx.Request) -> httpx.Response:
        def content() -> Any:
            yield VIDEO[:100]
            raise error("interrupted")

        return httpx.Response(200, content=content())

    client._bucket = download  # type: ignore[assignment,method-assign]
    result = client.run("generate", "a boat")
    assert result.exit_code in (2, 130)
    assert list(tmp_path.iterdir()) == []


def test_short_download_is_an_error(client: Client, tmp_path: Path):
    def short(_: httpx.Request) -> httpx.Response:
        headers = {"content-length": "999999"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(VIDEO[:100]))

    client._bucket = short  # type: ignore[assignment,method-assign]
    result = client.run("generate", "a boat")
    assert (result.exit_code, "the download ended after" in result.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_wrong_key_is_an_answer_and_is_not_shown(client: Client):
    key = f"rk_{'0' * 16}_{'x' * 43}"
    client.api = Api(URL, key, (), client.api.transport)
    result = client.run("generate", "a boat")
    assert (result.exit_code, "invalid_api_key" in result.stderr) == (1, True)
    assert key not in result.output
