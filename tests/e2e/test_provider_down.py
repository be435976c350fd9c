"""A list of two models fails over if the first one's provider is down or throttles."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.target import local_target
from local.processes import free_port
from tests.e2e.deployment import Deployment, deployed, small_model
from tests.e2e.small_jobs import completes
from tests.raw_http import RawServer, reply, serving

CONFIG = """
default_model = "quick"
[providers.sandbox]
protocol = "openai_compatible"
[providers.closed]
protocol = "openai_compatible"
base_url = "{closed}"
[providers.busy]
protocol = "openai_compatible"
base_url = "{busy}"
[aliases]
quick = "sandbox/one"
after-closed = ["closed/one", "sandbox/one"]
after-busy = ["busy/one", "sandbox/one"]
"""


@pytest.fixture(scope="module")
def busy() -> Iterator[RawServer]:
    with serving() as server:
        server.answers["/videos"] = reply(b"{}", "429 Too Many Requests", retry_after="600")
        yield server


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, busy: RawServer) -> Iterator[Deployment]:
    folder: Path = tmp_path_factory.mktemp("down")
    text = CONFIG.format(closed=f"http://127.0.0.1:{free_port()}", busy=busy.url)
    text += "".join(small_model(f"{name}/one") for name in ("sandbox", "closed", "busy"))
    with deployed(folder, text) as running:
        for provider in ("closed", "busy"):
            running.rushes("provider", "set-key", provider, "-", given="a-key\n")
        yield running


def events_of(deployment: Deployment, job_id: str) -> set[str]:
    """Return the messages of the functions' log lines about a job."""
    logs = local_target(deployment.env_file).client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines = [
        event["message"]
        for group in groups
        for event in logs.filter_log_events(logGroupName=group)["events"]
        if job_id in event["message"]
    ]
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return {line["message"] for line in found if "message" in line}  # metrics have none


@pytest.mark.parametrize(
    ("alias", "provider", "code", "reason"),
    [
        ("after-closed", "closed", "upstream_unreachable", "connection refused"),
        ("after-busy", "busy", "upstream_queued_too_long", "throttles"),
    ],
)
def test_job_runs_at_the_second_model(
    alias: str, provider: str, code: str, reason: str, deployment: Deployment
):
    created = deployment.create(model=alias)
    assert completes(deployment.http, created.id)
    job = deployment.job(created.id)
    (attempt,) = job.attempts
    assert (attempt.provider, attempt.error.code) == (provider, code)
    assert reason in attempt.error.message
    assert job.provider == "sandbox"
    assert job.submitted_at
    logged = events_of(deployment, created.id)
    assert {"provider_call_failed", "job_failed_over"} <= logged


def test_calls_of_the_busy_provider_are_few(busy: RawServer):
    """Failover does not call a provider again that asked to wait."""
    assert 1 <= len(busy.received) <= 3
