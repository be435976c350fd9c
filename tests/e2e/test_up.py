"""`make up`: a persistent stack in the foreground, used by the variables of stack.env."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from local.packaging import ROOT
from local.processes import free_port
from tests.e2e.small_jobs import completes, create, status


@contextmanager
def running(port: int, folder: Path) -> Iterator[dict[str, str]]:
    """Yield the variables of stack.env."""
    command = [sys.executable, "-m", "local.up", "--port", str(port), "--folder", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers/rushes")}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if line.startswith("ready "))
        lines = (line.partition("=") for line in (folder / "stack.env").read_text().split())
        variables = {name: value.strip("'") for name, _, value in lines}
        assert ready.split()[1] == variables["RUSHES_URL"] == f"http://127.0.0.1:{port}"
        yield variables
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert process.returncode == 0


def client(variables: dict[str, str], key: str = "RUSHES_API_KEY") -> httpx.Client:
    headers = {"authorization": f"Bearer {variables[key]}"}
    return httpx.Client(base_url=variables["RUSHES_URL"], headers=headers, timeout=120)


def test_jobs_and_keys_survive_restart(tmp_path):
    port = free_port()
    with running(port, tmp_path) as before, client(before) as http:
        job_id = create(http).json()["id"]
        assert completes(http, job_id)
    with running(port, tmp_path) as after, client(after) as http:
        assert after["RUSHES_API_KEY"] == before["RUSHES_API_KEY"]
        assert status(http, job_id) == "completed"
        link = http.get(f"/openai/v1/videos/{job_id}/content").headers["location"]
        assert httpx.get(link).content[4:8] == b"ftyp"
        with client(after, "RUSHES_OTHER_API_KEY") as other:
            assert other.get(f"/openai/v1/videos/{job_id}").status_code == 404
