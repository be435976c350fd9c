"""docs/webhooks.md, followed from its beginning to its end in one folder."""

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
    """What a shell prints that is given all commands of the guide, one after the other."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / ".local").mkdir()
    write_environment(folder / ".local/stack.env", stack.environment())
    (folder / ".local/envs").symlink_to(ROOT / ".local/envs")
    (folder / "examples").symlink_to(ROOT / "examples")
    ports = {"9000": str(free_port()), "9001": str(free_port())}  # these may be somebody's

    def failed_over(text: str) -> str:
        return text.replace("9000", ports["9000"]).replace("9001", ports["9001"])

    for name, program in PROGRAMS.items():
        (folder / name).write_text(failed_over(program))
    until_all_is_told = "until grep -q '^job.completed' output; do sleep 0.2; done"
    script = "\n".join(["set -euo pipefail", *COMMANDS, until_all_is_told])
    return run(failed_over(script), folder)


def run(script: str, folder: Path) -> str:
    """Stops the receiver, too, that the script leaves in the background."""
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("AWS_")}
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
    told = output.read_text()
    assert status == 0, told
    return told


def test_the_first_delivery_is_verified(shown: str):
    assert "it answered 204" in shown
    assert re.search(r"^video\.completed job_test_\w+$", shown, re.MULTILINE)
    film = re.search(r"^completed (job_\w+)$", shown, re.MULTILINE)
    assert film
    assert f"video.completed {film[1]}" in shown


def test_the_one_job_is_told_of_in_the_buss_words(shown: str):
    job = re.search(r"^(job_\w+)$", shown, re.MULTILINE)
    assert job
    assert f"job.started {job[1]}" in shown
    assert f"job.completed {job[1]}" in shown


def test_the_other_commands_do_what_is_said(shown: str):
    assert re.search(r'"response_excerpt":"","number"|"status_code":204', shown)
    assert re.search(r'"object":"webhook_resend","resent":[1-9]', shown)
    assert '"object":"webhook_resend","resent":1' in shown
    assert '"object":"webhook_message"' in shown
    assert '"status":"enabled"' in shown
    assert shown.count('"signing_secret":"whsec_') == 1


def test_the_fragment_verifies_and_reads(
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
def test_every_link_leads_somewhere(link: str):
    assert (ROOT / "docs" / link).exists()
