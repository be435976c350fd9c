"""A job whose first provider does not make it is made by the second, and paid for once."""

import httpx

from tests.e2e.small_jobs import SMALL, completes


def test_a_refused_job_is_made_by_its_fallback(client, stack, aws):
    """The first upstream's refusal is real; so is the second one's film."""
    body = {
        **SMALL,
        "model": "vllm/wan-2.2-t2v",  # nobody is there: the local stack knows no address for it
        "seconds": 4,
        "size": "1280x720",
        "fallbacks": [{"provider": "sandbox", "model": "sandbox-1"}],
    }
    job_id = client.post("/v1/videos", json=body).json()["id"]
    assert job_id.endswith(":vllm")
    bare = job_id.partition(":")[0]
    assert completes(client, bare, 60)
    assert client.get(f"/v1/videos/{job_id}").status_code == 200  # the id that was given out
    answer = client.get(f"/v1/videos/{bare}").json()
    assert answer["id"] == f"{bare}:sandbox"
    request_log = httpx.get(f"{stack.sandbox_url}/_ledger").json()["creates"]
    assert (
        sum(entry["prompt"] == SMALL["prompt"] and entry["seconds"] == 4 for entry in request_log)
        <= 1
    )
    row = aws("dynamodb").get_item(
        TableName=stack.outputs["TableName"],
        Key={"pk": {"S": f"JOB#demo#{bare}"}, "sk": {"S": "job"}},
    )["Item"]
    assert '"code":"provider_not_configured"' in row["document"]["S"]
