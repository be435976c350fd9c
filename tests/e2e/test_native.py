"""The native API on the running stack: wait, retry, search, and another account's key."""

import httpx

from local.stack import Stack
from tests.waiting import wait_for

JOBS = "/rushes/v1/jobs"
SMALL = {"model": "sora-2", "seconds": 1, "size": "128x72"}


def wait(client: httpx.Client, job_id: str) -> dict[str, object]:
    def poll() -> dict[str, object]:
        job: dict[str, object] = client.get(f"{JOBS}/{job_id}", params={"wait": 20}).json()
        return job if job["status"] in ("completed", "failed", "cancelled") else {}

    return wait_for(poll)


def test_failed_job_is_found_retried_and_hidden_from_others(stack: Stack, client: httpx.Client):
    body = {**SMALL, "prompt": "native [fail]", "tags": {"suite": "native"}}
    dry = client.post(JOBS, json={**body, "dry_run": True}).json()
    created = client.post(JOBS, json=body)
    assert created.status_code == 201, created.text
    job_id = created.json()["id"]
    assert created.json()["cost"]["estimated"] == dry["estimated"]
    failed = wait(client, job_id)
    assert failed["status"] == "failed"
    assert failed["provider_job_id"]

    statuses = ["failed", "completed"]
    found = client.get(JOBS, params={"tag": "suite:native", "status": statuses}).json()
    assert job_id in [job["id"] for job in found["data"]]
    key = {"idempotency-key": f"retry-{job_id}"}
    retries = [client.post(f"{JOBS}/{job_id}/retry", headers=key).json() for _ in range(2)]
    assert retries[0]["id"] == retries[1]["id"] != job_id
    assert retries[0]["tags"] == {"suite": "native"}
    assert wait(client, retries[0]["id"])["status"] == "failed"

    other = {"authorization": f"Bearer {stack.environment()['RUSHES_OTHER_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=other, timeout=60) as others:
        hidden = others.get(f"{JOBS}/{job_id}")
        assert hidden.status_code == 404
        assert hidden.headers["content-type"] == "application/problem+json"
        assert others.get(JOBS, params={"tag": "suite:native"}).json()["data"] == []
        assert others.get("/rushes/v1/admin/keys", params={"account": "demo"}).status_code == 403
    assert client.delete(f"{JOBS}/{job_id}").json() == {"id": job_id, "deleted": True}
