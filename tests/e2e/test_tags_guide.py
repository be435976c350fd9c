"""The command of docs/tags.md, and what becomes of its tags."""

import json
import re
from pathlib import Path

import httpx

from local.stack import Stack
from tests.e2e.programs import run_guide
from tests.e2e.small_jobs import completes


def test_command_creates_a_tagged_job_that_reports_its_cost(stack: Stack, tmp_path: Path):
    job = json.loads(run_guide("tags.md", stack, tmp_path))
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=120) as client:
        assert completes(client, job["id"], 300)
        answer = client.get(f"/openai/v1/videos/{job['id']}")
        assert re.fullmatch(r"\d+\.\d{2,6}", answer.headers["rushes-cost"])
        wrong = client.post(
            "/openai/v1/videos",
            json={"model": "sora-2", "prompt": "a fox"},
            headers={"rushes-tags": "team=ads,team=art"},
        )
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "rushes-tags")
