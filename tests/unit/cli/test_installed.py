"""The command as `pipx` and `uvx` install it: without the rest of the repository."""

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.packaging import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def members(group: str) -> set[str]:
    """Return the requirements of a dependency group, with those of the groups it includes."""
    found: set[str] = set()
    for entry in PROJECT["dependency-groups"][group]:
        found |= members(entry["include-group"]) if isinstance(entry, dict) else {entry}
    return found


def test_requirements_are_those_of_the_group():
    assert set(PROJECT["project"]["dependencies"]) == members("cli")


def test_entry_point_exists():
    module, _, function = PROJECT["project"]["scripts"]["rushes"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the wheel."""
    folder = tmp_path_factory.mktemp("site")
    for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        source = ROOT / package
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, folder / source.name, ignore=ignored)
    return folder


def run(site: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": str(site), "PYTHONPATH": str(site)}
    command = [sys.executable, "-P", "-m", "cli", *arguments]
    return subprocess.run(
        command, cwd=site, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--help",), 0, "Usage: rushes"),
        (("config", "check", str(ROOT / "rushes.toml")), 0, "valid: "),
        (("job", "show", "job_1"), 2, "which stack? give --stack NAME"),
        (("generate", "a boat"), 2, "which deployment? set RUSHES_URL"),
        (("invoke", "submit/first", "--profile", "x"), 2, "profile 'x' is unknown"),
        (("up",), 2, "needs a clone of the repository"),
        (("demo", "--json"), 2, "needs a clone of the repository"),
    ],
)
def test_command_runs_outside_of_a_clone(
    site: Path, arguments: tuple[str, ...], code: int, text: str
):
    done = run(site, *arguments)
    assert (done.returncode, text in done.stdout + done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
