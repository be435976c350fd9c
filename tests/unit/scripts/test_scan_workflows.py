"""The check of the workflows fails on an action that is not pinned, and passes ours."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PINNED = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"


def scan(folder: Path) -> int:
    command = [str(ROOT / "scripts/scan_workflows.sh"), str(folder)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode


def test_our_workflows_pass():
    assert scan(ROOT / ".github") == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PINNED, "actions/checkout@v4"),
        ("on:\n", "on:\n  pull_request_target:\n"),
    ],
)
def test_unsafe_workflow_fails(old: str, new: str, tmp_path: Path):
    folder = tmp_path / ".github"
    shutil.copytree(ROOT / ".github", folder)
    workflow = folder / "workflows/ci.yml"
    text = workflow.read_text()
    assert old in text
    workflow.write_text(text.replace(old, new))
    assert scan(folder) != 0


def test_every_action_is_pinned_to_a_commit():
    for workflow in (ROOT / ".github/workflows").glob("*.yml"):
        used = [line for line in workflow.read_text().splitlines() if "uses:" in line]
        assert used
        for line in used:
            if "uses: $/" in line:  # this repository at the same commit
                continue
            commit = line.partition("@")[2].partition(" ")[0]
            assert len(commit) == 40, line
