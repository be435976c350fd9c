"""Fifty jobs at once: each runs once, and table, bucket, bus and request log agree."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.e2e.small_jobs import completes, create_until_answered, upstream_creates

JOBS = 50


def test_fifty_jobs_at_once_run_once_each_and_all_records_agree(client, stack, aws, events):
    prompt = f"one of many {uuid4()}"
    with ThreadPoolExecutor(JOBS) as threads:
        ids = list(threads.map(lambda _: create_until_answered(client, prompt), range(JOBS)))
        assert all(threads.map(lambda job_id: completes(client, job_id, 900), ids))

    upstream_ids = [entry["id"] for entry in upstream_creates(stack, prompt)]
    assert len(upstream_ids) == len(set(upstream_ids)) == JOBS

    table = aws("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["TableName"])
    rows = [item for page in table for item in page["Items"]]
    jobs = {row["pk"]["S"].rpartition("#")[2]: row for row in rows if row["sk"]["S"] == "job"}
    assert all(jobs[job_id]["status"]["S"] == "completed" for job_id in ids)
    assert not any("open_pk" in jobs[job_id] for job_id in ids)

    bucket = (
        aws("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=stack.outputs["BucketName"], Prefix="outputs/demo/")
    )
    keys = [entry["Key"] for page in bucket for entry in page.get("Contents", [])]
    assert {f"outputs/demo/{job_id}/0.mp4" for job_id in ids} <= set(keys)

    for job_id in ids:
        (event,) = events.of(job_id)
        assert event["type"] == "job.completed"
        assert event["data"]["artifacts"][0]["key"] == f"outputs/demo/{job_id}/0.mp4"
