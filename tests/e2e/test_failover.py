"""A job that its first provider rejects runs at its fallback, and is paid for once."""

from tests.e2e.small_jobs import SMALL, completes, upstream_creates


def test_fallback_runs_job_that_first_provider_cannot(client, stack, aws):
    body = {
        **SMALL,
        "model": "vllm/wan-2.2-t2v",  # the local stack has no URL for this provider
        "seconds": 4,
        "size": "1280x720",
        "fallbacks": [{"provider": "sandbox", "model": "sandbox-1"}],
    }
    job_id = client.post("/v1/videos", json=body).json()["id"]
    assert job_id.endswith(":vllm")
    bare = job_id.partition(":")[0]
    assert completes(client, bare)
    assert client.get(f"/v1/videos/{job_id}").status_code == 200  # the id from the create response
    answer = client.get(f"/v1/videos/{bare}").json()
    assert answer["id"] == job_id  # the provider of the create response
    creates = upstream_creates(stack, SMALL["prompt"])
    assert sum(entry["seconds"] == 4 for entry in creates) <= 1
    row = aws("dynamodb").get_item(
        TableName=stack.outputs["TableName"],
        Key={"pk": {"S": f"JOB#demo#{bare}"}, "sk": {"S": "job"}},
    )["Item"]
    assert '"code":"provider_not_configured"' in row["document"]["S"]
