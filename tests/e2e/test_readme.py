"""Every command and snippet of the README, run."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.packaging import ROOT
from local.stack import Stack
from local.up import write_environment
from local.video_probe import measure

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "bash" for line in block.splitlines()]
PYTHON = [block for kind, block in BLOCKS if kind == "python"]

RUN_HERE = {
    "make demo": "test_the_demo_runs",
    "make up": "tests/e2e/test_up.py",
    "(set -a; . .local/stack.env; .local/envs/local/bin/python -W ignore first_job.py)": (
        "test_the_first_job_is_made"
    ),
    "make build": "test_it_deploys",
    ".local/envs/sam/bin/sam deploy --guided": "test_it_deploys",
    "make key ACCOUNT=my-team": "test_it_deploys",
}


def run(command: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={**inherited, "SAM_CLI_TELEMETRY": "0", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_is_run_by_a_test():
    assert list(RUN_HERE) == COMMANDS


def test_the_demo_runs():
    shown = run("make demo")
    assert "the film decodes: h264, 1280x720, 96 pictures, 4 s" in shown
    assert '"detail-type": "job.completed"' in shown
    assert "verified by standardwebhooks and by client.webhooks.unwrap" in shown
    assert measure(ROOT / ".local/demo.mp4").size == (1280, 720)


def test_the_first_job_is_made(stack: Stack, tmp_path):
    (tmp_path / ".local").mkdir()
    write_environment(tmp_path / ".local/stack.env", stack.environment())
    (tmp_path / ".local/envs").symlink_to(ROOT / ".local/envs")
    (tmp_path / "first_job.py").write_text(PYTHON[0])
    shown = run(COMMANDS[2], tmp_path)
    assert shown.startswith("completed job_")
    assert measure(tmp_path / "fox.mp4").seconds == 4


def test_it_deploys(stack: Stack):
    """To the local engine, by the real SAM CLI; options answer what `--guided` would ask."""
    here = {name: value for name, value in stack.environment().items() if name.startswith("AWS_")}
    run("make build")
    options = "--no-confirm-changeset --stack-name readme --parameter-overrides LogDays=7"
    run(f".local/envs/sam/bin/sam deploy {options}", ROOT, here)
    key = run("make --no-print-directory key ACCOUNT=my-team STACK_NAME=readme", ROOT, here)
    assert re.fullmatch(r"rk_[0-9a-f]{16}_\S{43}", key.strip())


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()
