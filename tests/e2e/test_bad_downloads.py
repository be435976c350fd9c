"""Output downloads that fail at first: the retry stores the whole file."""

from uuid import uuid4

import httpx
import pytest

from local.stack import Stack
from tests.e2e.small_jobs import decode, upstream_creates, wait_until_final

CASES = {
    "expired link": ("sandbox-together/sandbox-1", "[expired=2]"),
    "expired link without key": ("sandbox-fal/video/standard", "[expired=2]"),
    "interrupted, resumed by range": ("sandbox/sandbox-1", "[drop=2]"),
    "interrupted, no ranges": ("sandbox/sandbox-1", "[drop=2] [no-range]"),
    "slow download": ("sandbox/sandbox-1", "[drip=6]"),
}


@pytest.mark.parametrize("case", CASES)
def test_collect_stores_whole_video_after_bad_download(client, stack: Stack, tmp_path, case):
    model, directive = CASES[case]
    prompt = f"a fox {uuid4()} {directive}"
    size = {} if model.startswith("sandbox-fal") else {"size": "128x72"}
    answer = client.post(
        "/openai/v1/videos", json={"model": model, "prompt": prompt, "seconds": "1", **size}
    )
    assert answer.status_code == 200, answer.text
    job_id = answer.json()["id"]
    assert wait_until_final(client, job_id)["status"] == "completed"
    link = client.get(f"/openai/v1/videos/{job_id}/content").headers["location"]
    assert decode(httpx.get(link).content, tmp_path).seconds == 1.0
    assert len(upstream_creates(stack, prompt)) == 1
