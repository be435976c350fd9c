"""Throttled functions: their jobs wait, and run once."""

from uuid import uuid4

import pytest

from tests.e2e.small_jobs import completes, create, status, upstream_creates
from tests.e2e.test_permissions import LONG_ENOUGH, resource_name

STEPS = ("SubmitFunction", "PollFunction", "CollectFunction", "FinishFunction")


@pytest.mark.parametrize("step", STEPS)
def test_job_waits_while_function_is_throttled(client, aws, stack, step):
    functions = aws("lambda")
    name = resource_name(aws, step)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    prompt = f"throttled {uuid4()}"
    try:
        job_id = create(client, prompt).json()["id"]
        assert not completes(client, job_id, LONG_ENOUGH)
        assert status(client, job_id) in ("queued", "in_progress")
    finally:
        functions.delete_function_concurrency(FunctionName=name)
    assert completes(client, job_id)
    assert len(upstream_creates(stack, prompt)) == 1
