"""Tests that run the commands and programs of docs/webhooks.md in order."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from local.packaging import ROOT
from local.processes import free_port
from local.stack import Stack
from local.up import write_environment
from rushes.webhooks.signature import headers, new_secret

GUIDE = (ROOT / "docs/webhooks.md").read_text()
BLOCKS = re.findall(r"```(\w+)(?: (\S+))?\n(.*?)```", GUIDE, flags=re.DOTALL)
COMMANDS = [block for kind, _, block in BLOCKS if kind == "bash"]
PROGRAMS = {name: block for kind, name, block in BLOCKS if kind == "python" and name}
FRAGMENTS = [block for kind, name, block in BLOCKS if kind == "python" and not name]

pytestmark = pytest.mark.usefixtures("stack")


@pytest.fixture(scope="module")
def shown(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run all commands of the guide in one shell and return the output."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / ".local").mkdir()
    write_environment(folder / ".local/stack.env", stack.environment())
    (folder / ".local/envs").symlink_to(ROOT / ".local/envs")
    (folder / "examples").symlink_to(ROOT / "examples")
    ports = {"9000": str(free_port()), "9001": str(free_port())}  # the guide's ports may be in use

    def with_free_ports(text: str) -> str:
        return text.replace("9000", ports["9000"]).replace("9001", ports["9001"])

    for name, program in PROGRAMS.items():
        (folder / name).write_text(with_free_ports(program))
    wait_for_completion = "until grep -q '^job.completed' output; do sleep 0.2; done"
    script = "\n".join(["set -euo pipefail", *COMMANDS, wait_for_completion])
    return run(with_free_ports(script), folder)


def run(script: str, folder: Path) -> str:
    """Run a script and stop its background processes, too."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    output = folder / "output"
    with output.open("wb") as file:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=inherited,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        try:
            status = shell.wait(240)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
    text = output.read_text()
    assert status == 0, text
    return text


def test_guide_verifies_the_first_delivery(shown: str):
    assert "endpoint returned 204" in shown
    assert re.search(r"^video\.completed job_test_\w+$", shown, re.MULTILINE)
    completed = re.search(r"^completed (job_\w+)$", shown, re.MULTILINE)
    assert completed
    assert f"video.completed {completed[1]}" in shown


def test_guide_receives_the_events_of_one_job(shown: str):
    job = re.search(r"^(job_\w+)$", shown, re.MULTILINE)
    assert job
    assert f"job.started {job[1]}" in shown
    assert f"job.completed {job[1]}" in shown


def test_guide_commands_have_the_documented_results(shown: str):
    assert re.search(r'"response_excerpt":"","number"|"status_code":204', shown)
    assert re.search(r'"object":"webhook_resend","resent":[1-9]', shown)
    assert '"object":"webhook_resend","resent":1' in shown
    assert '"object":"webhook_message"' in shown
    assert '"status":"enabled"' in shown
    assert shown.count('"signing_secret":"whsec_') == 1


def test_guide_fragment_verifies_and_parses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    secret = new_secret()
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    body = '{"id": "evt_1", "type": "video.completed", "created_at": 1, "data": {"id": "job_1"}}'
    names: dict[str, Any] = {
        "client": openai.OpenAI(api_key="none"),
        "os": SimpleNamespace(environ=os.environ),
        "body": body,
        "headers": headers("evt_1", time.time(), body.encode(), [secret]),
    }
    [fragment] = FRAGMENTS
    exec(fragment, names)  # noqa: S102 - the guide is ours
    assert capsys.readouterr().out == "ready: job_1\n"


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", GUIDE))
def test_guide_links_exist(link: str):
    assert (ROOT / "docs" / link).exists()
