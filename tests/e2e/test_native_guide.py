"""The commands and programs of docs/native-api.md."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from local.packaging import ROOT
from local.stack import Stack

GUIDE = (ROOT / "docs/native-api.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)(?: (\S+))?\n(.*?)```", GUIDE, flags=re.DOTALL)


def block(kind: str) -> tuple[str, str]:
    """Return the name and the text of the guide's only block of a language."""
    ((name, text),) = [(name, text) for found, name, text in BLOCKS if found == kind]
    return name, text


def run(stack: Stack, folder: Path, command: Sequence[str]) -> str:
    environment = {"PATH": os.environ["PATH"], **stack.environment()}
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_create_and_find_a_job(stack: Stack, tmp_path: Path):
    _, commands = block("bash")
    output = run(stack, tmp_path, ["bash", "-euo", "pipefail", "-c", commands])
    assert '"status": "completed"' in output
    assert '"estimated"' in output
    assert (tmp_path / "boat.mp4").read_bytes()[4:8] == b"ftyp"
    found = output.splitlines()[-5:]
    assert any(line.startswith('"job_') for line in found)


@pytest.mark.parametrize(
    ("kind", "interpreter"), [("python", sys.executable), ("javascript", "node")]
)
def test_program_completes_a_job(stack: Stack, tmp_path: Path, kind: str, interpreter: str):
    name, program = block(kind)
    (tmp_path / name).write_text(program)
    assert "completed" in run(stack, tmp_path, [interpreter, name])
