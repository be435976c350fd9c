"""Run programs and commands in environments other than that of the tests."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.packaging import ROOT
from local.stack import Stack

HIDDEN = ("AWS_", "MAKE", "MFLAGS", "COV_", "COVERAGE_")
"""Prefixes of the tests' own variables, which a command must not inherit."""


NOT_COPIED = shutil.ignore_patterns(".git", ".local", ".aws-sam", ".*_cache", "__pycache__")


def copy_tree(folder: Path) -> Path:
    """Copy the repository without its environments, for commands that write files; return it."""
    copy = folder / "rushes"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED, symlinks=True)
    return copy


def run_guide(page: str, stack: Stack, folder: Path) -> str:
    """Run the only bash block of a page of docs/ against a stack, and return its output."""
    (commands,) = re.findall(
        r"```bash\n(.*?)```", (ROOT / "docs" / page).read_text("utf-8"), re.DOTALL
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env={"PATH": os.environ["PATH"], **stack.environment()},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_program(
    environment: str, program: str, *arguments: str | Path, variables: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run a program of this folder, and return the JSON that it prints."""
    command = [ROOT / f".local/envs/{environment}/bin/python", Path(__file__).with_name(program)]
    done = subprocess.run(
        [*command, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    fields: dict[str, Any] = json.loads(done.stdout)
    return fields


def visible_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}


def run(command: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run a shell command, and return its output."""
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={**visible_variables(), "SAM_CLI_TELEMETRY": "0", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
