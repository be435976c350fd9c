"""The commands of docs/uploads.md."""

import json
import os
import re
import subprocess
from pathlib import Path

import httpx

from local.packaging import ROOT
from local.stack import Stack
from tests.e2e.small_jobs import completes, small_png

GUIDE = (ROOT / "docs/uploads.md").read_text("utf-8")
COMMANDS = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)


def test_commands_create_a_job_from_an_uploaded_file(stack: Stack, tmp_path: Path):
    (tmp_path / "first-frame.png").write_bytes(small_png())
    environment = {"PATH": os.environ["PATH"], **stack.environment()}
    (commands,) = COMMANDS
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    key = {"authorization": f"Bearer {environment['RUSHES_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=120) as client:
        assert completes(client, job["id"], 300)
