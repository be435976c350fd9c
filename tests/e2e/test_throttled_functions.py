"""Functions that may not run for a while: their jobs wait, and are made once."""

import time
from uuid import uuid4

import httpx
import pytest

from tests.e2e.small_jobs import completes, create, status

STEPS = ("SubmitFunction", "PollFunction", "CollectFunction", "FinishFunction")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_is_throttled_is_taken_later(client, aws, stack, step):
    functions = aws("lambda")
    name = aws("cloudformation").describe_stack_resource(
        StackName="rushes", LogicalResourceId=step
    )["StackResourceDetail"]["PhysicalResourceId"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    prompt = f"throttled {uuid4()}"
    try:
        job_id = create(client, prompt).json()["id"]
        time.sleep(4)
        assert status(client, job_id) in ("queued", "in_progress")
    finally:
        functions.delete_function_concurrency(FunctionName=name)
    assert completes(client, job_id, 90)
    request_log = httpx.get(f"{stack.sandbox_url}/_ledger").json()
    assert len([it for it in request_log["creates"] if it["prompt"] == prompt]) == 1
