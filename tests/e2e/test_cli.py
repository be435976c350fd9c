"""The `rushes` command on a running stack, as its user types it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.packaging import ROOT
from local.stack import Stack
from local.up import write_environment
from local.video_probe import probe_video

Rushes = Callable[..., Any]


@pytest.fixture
def rushes(stack: Stack, tmp_path: Path) -> Rushes:
    """Run a command with --json, and return its output."""
    env_file = tmp_path / "stack.env"
    write_environment(env_file, stack.environment())

    def run(*arguments: str, code: int | None = 0) -> Any:
        command = [sys.executable, "-m", "cli", *arguments, "--env-file", str(env_file), "--json"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert code in (None, done.returncode), done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


def test_video_is_generated_listed_and_explained(rushes: Rushes, tmp_path: Path):
    file = tmp_path / "boat.mp4"
    options = ("--model", "sora-2", "--seconds", "1", "--size", "128x72")
    made = rushes("generate", "small", *options, "--tag", "team=drill", "--output", str(file))
    assert made["files"] == [str(file)]
    assert probe_video(file).size == (128, 72)
    (listed,) = rushes("job", "list", "--account", "demo", "--tag", "team=drill")
    assert (listed["id"], listed["status"]) == (made["id"], "completed")
    shown = rushes("job", "show", made["id"])
    assert (shown["account"], shown["diagnosis"]["state"]) == ("demo", "ended")
    assert shown["cost"]["settled"] == made["cost"]["settled"]


def test_failed_job_has_its_cause_and_next_steps(rushes: Rushes):
    made = rushes("generate", "small [fail]", "--seconds", "1", "--size", "128x72", code=1)
    shown = rushes("job", "show", made["id"])
    assert shown["diagnosis"]["reason"] == "upstream_failed"
    assert f"rushes job retry {made['id']} --env-file" in shown["diagnosis"]["next_steps"][0]


def test_status_can_read_everything(rushes: Rushes):
    """Other tests on this stack may have left something for an operator."""
    found = rushes("status", code=None)
    assert [one for one in found["findings"] if one["kind"] == "check"] == []
    assert found["providers"]["sandbox"] == "available"
