"""Conventions of the repository: version, private attributes, pre-commit hooks."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


def run_hook(name: str, file: Path) -> int:
    """Run a pre-commit hook on one file; return its exit status."""
    (entry,) = (hook["entry"] for hook in HOOKS if hook["id"] == name)
    command = [*entry.split(), str(file)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode


def test_version_is_that_of_the_newest_changelog_section():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sections = re.findall(
        r"^## \[?(\d+\.\d+\.\d+)\]?", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert project["version"] == sections[0]


@pytest.mark.parametrize("folder", ["layers", "functions"])
def test_no_private_attribute_of_a_dependency_is_used(folder: str):
    """Ruff reports each use (SLF001) unless a comment allows it."""
    files = (ROOT / folder).rglob("*.py")
    assert [path for path in files if "noqa: SLF001" in path.read_text()] == []


@pytest.mark.parametrize(("source", "status"), [("x = 1\n", 0), ("print(undefined)\n", 1)])
def test_ruff_hook_fails_on_an_error(tmp_path: Path, source: str, status: int):
    (tmp_path / "__init__.py").touch()
    file = tmp_path / "module.py"
    file.write_text(f'"""Module."""\n\n{source}')
    assert run_hook("ruff", file) == status


def test_secrets_hook_fails_on_an_aws_key(tmp_path: Path):
    file = tmp_path / "settings.py"
    file.write_text("KEY = 'nothing secret'\n")
    assert run_hook("secrets", file) == 0
    file.write_text(f"KEY = '{'AKIA'}QXZ7Y2J4K5L6M7N8'\n")
    assert run_hook("secrets", file) == 1
