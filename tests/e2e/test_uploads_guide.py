"""The commands of docs/uploads.md."""

import json
from pathlib import Path

import httpx

from local.stack import Stack
from tests.e2e.programs import run_guide
from tests.e2e.small_jobs import completes, small_png


def test_commands_create_a_job_from_an_uploaded_file(stack: Stack, tmp_path: Path):
    (tmp_path / "first-frame.png").write_bytes(small_png())
    job = json.loads(run_guide("uploads.md", stack, tmp_path))
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=120) as client:
        assert completes(client, job["id"], 300)
