"""A paused provider and the usage of its jobs, by the command and over HTTP, on the local stack."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.packaging import ROOT
from local.stack import NAME, Stack
from tests.e2e.small_jobs import completes, create, upstream_creates
from tests.waiting import wait_for

Operate = Callable[..., Any]


@pytest.fixture
def operate(stack: Stack) -> Iterator[Operate]:
    """Run the command and return its JSON; afterwards the provider is not paused."""
    environment = stack.environment() | {"PATH": "/usr/bin:/bin"}

    def run(*arguments: str) -> Any:
        command = [sys.executable, "-m", "cli", *arguments, "--stack", NAME, "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    yield run
    run("provider", "resume", "sandbox")


def test_jobs_of_a_paused_provider_wait_and_complete_after_the_resume(
    operate: Operate, client: httpx.Client, stack: Stack
):
    prompt = f"small {uuid4().hex}"
    operate("provider", "pause", "sandbox", "--reason", "maintenance", "--drain")
    job_id = create(client, prompt).json()["id"]
    wait_for(
        lambda: "provider_paused" in json.dumps(client.get(f"/rushes/v1/jobs/{job_id}").json())
    )
    assert client.get(f"/openai/v1/videos/{job_id}").json()["status"] == "queued"
    assert operate("provider", "status", "sandbox")["state"] == "paused"
    assert upstream_creates(stack, prompt) == []
    assert operate("provider", "resume", "sandbox")["was_paused"]
    assert completes(client, job_id)
    assert len(upstream_creates(stack, prompt)) == 1
    view = operate("provider", "status", "sandbox")
    assert (view["state"], view["calls"]["total"] > 0) == ("available", True)


def test_usage_over_http_and_by_the_command(operate: Operate, client: httpx.Client):
    job_id = create(client, "small").json()["id"]
    assert completes(client, job_id)

    def settled() -> list[float]:
        report = client.get("/rushes/v1/usage", params={"group_by": "provider,day"}).json()
        return [row["settled"] for row in report["rows"] if row["group"]["provider"] == "sandbox"]

    wait_for(lambda: any(settled()))
    found = operate("usage", "--account", "demo", "--by", "provider")
    assert found["total"]["settled"] >= sum(settled()) > 0
    lines = client.get("/rushes/v1/usage?group_by=tag:team&format=csv").text.splitlines()
    assert lines[0].startswith("tag:team,jobs,open")


def test_operator_sees_pauses_and_tests_providers_over_http(operate: Operate, client: httpx.Client):
    created = operate("key", "create", "--account", "operators", "--scopes", "admin")
    admin = {"authorization": f"Bearer {created['key']}"}

    def call(method: str, path: str, body: object = None) -> Any:
        url = f"/rushes/v1/admin/providers{path}"
        reply = client.request(method, url, headers=admin, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    names = [provider["name"] for provider in call("GET", "")["providers"]]
    assert {"sandbox", "vllm"} <= set(names)
    assert call("POST", "/vllm/pause", {"reason": "maintenance"})["state"] == "paused"
    assert call("POST", "/vllm/resume", {})["state"] == "available"
    assert call("POST", "/sandbox/test", {})["key"] == "accepted"
    usage = client.get("/rushes/v1/admin/usage?group_by=account", headers=admin)
    assert usage.status_code == 200, usage.text
