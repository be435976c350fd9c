"""The programs of docs/examples.md make, list and delete a video."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.packaging import ROOT
from local.stack import Stack
from local.video_probe import probe_video

PAGE = (ROOT / "docs/examples.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```(bash|python|javascript)\n(.*?)```", PAGE, re.DOTALL))
PROGRAMS = {
    "bash": ("videos.sh", ["bash", "-euo", "pipefail"]),
    "python": ("videos.py", [sys.executable, "-W", "ignore"]),
    "javascript": ("videos.mjs", ["node"]),
}


def test_page_has_each_program_once():
    assert sorted(BLOCKS) == sorted(PROGRAMS)
    assert len(re.findall(r"```\w+\n", PAGE)) == len(PROGRAMS)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_program_makes_lists_and_deletes_a_video(stack: Stack, tmp_path: Path, kind: str):
    name, command = PROGRAMS[kind]
    needed = {"bash": "jq", "javascript": "node"}.get(kind)
    if needed and not shutil.which(needed):
        pytest.skip(f"{needed} is not installed")
    (tmp_path / name).write_text(BLOCKS[kind], "utf-8")
    done = subprocess.run(
        [*command, name],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **stack.environment()},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"job_\w+\W+completed", done.stdout), done.stdout
    assert done.stdout.rstrip().lower().endswith("true")
    assert probe_video(tmp_path / "fox.mp4").size == (128, 72)
