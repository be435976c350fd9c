"""Price, alias and key change on a running stack: in force within a minute, without a restart."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cli.target import local_target
from local.packaging import ROOT
from rushes.aws.published_catalogs import REFRESH_SECONDS
from rushes.jobs.job import Job
from tests.e2e.deployment import Deployment, deployed, small_model
from tests.e2e.small_jobs import completes, create
from tests.waiting import wait_for

CONFIG = """
default_model = "quick"
[providers.sandbox]
protocol = "openai_compatible"
[aliases]
quick = "sandbox/first"
"""
CONFIG += small_model("sandbox/first") + small_model("sandbox/second", "0.50")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("configuration"), CONFIG) as running:
        yield running


def test_stack_starts_under_its_configuration(deployment: Deployment):
    (entry,) = deployment.rushes("config", "history")
    assert (entry["number"], entry["in_force"], entry["models"]) == (1, True, 2)
    job = deployment.create()
    assert (job.config_version, job.model, job.cost) == (1, "sandbox/first", 0.1)
    assert completes(deployment.http, job.id)


def test_price_and_alias_change_while_a_job_runs_and_are_rolled_back(deployment: Deployment):
    running = deployment.create("[slow=150]", model="sandbox/first")
    changed = CONFIG.replace("0.10", "0.20").replace('"sandbox/first"', '"sandbox/second"', 1)
    number = deployment.push(changed)
    job = deployment.job_under(number)
    assert (job.model, job.cost) == ("sandbox/second", 0.5)
    assert deployment.create(model="sandbox/first").cost == 0.2
    back = deployment.rushes("config", "rollback")
    assert (back["from"], back["number"]) == (number - 1, number + 1)
    job = deployment.job_under(number + 1)
    assert (job.model, job.cost) == ("sandbox/first", 0.1)
    assert completes(deployment.http, running.id)
    ended = deployment.job(running.id)
    assert (ended.config_version, ended.cost, ended.warnings) == (running.config_version, 0.1, ())


def test_running_job_finishes_after_its_model_and_provider_were_dropped(deployment: Deployment):
    running = deployment.create("[slow=60]", model="sandbox/first")
    spare = CONFIG.replace("providers.sandbox]", "providers.sandbox-key]").replace(
        '"sandbox/', '"sandbox-key/'
    )
    number = deployment.push(spare)
    assert "model sandbox/first is not in the configuration and has" in deployment.warnings
    assert deployment.job_under(number).provider == "sandbox-key"
    refused = create(deployment.http, model="sandbox/first")
    assert refused.status_code == 400
    assert completes(deployment.http, running.id)
    deployment.rushes("config", "rollback")
    deployment.job_under(number + 1)


def test_key_is_rotated(deployment: Deployment):
    """A job that runs, and one whose create call the old key cannot make, complete."""
    running = deployment.create("[slow=30]")
    set_key = ("provider", "set-key", "sandbox", "-")
    deployment.rushes(*set_key, given="not-the-key-of-the-sandbox\n")
    assert deployment.rushes("provider", "test", "sandbox", code=1)["key"] == "rejected"

    def is_rejected(job: Job) -> bool:
        wait_for(lambda: deployment.job(job.id).submitted_at or was_rejected(job))
        return was_rejected(job)

    def was_rejected(job: Job) -> bool:
        return deployment.job(job.id).key_rejections > 0

    rejected = deployment.until(is_rejected)
    key = deployment.stack.environment()["SANDBOX_API_KEY"]
    deployment.rushes(*set_key, given=key)
    assert deployment.rushes("provider", "test", "sandbox")["key"] == "accepted"
    deployment.until(lambda job: not is_rejected(job))
    assert completes(deployment.http, rejected.id)
    assert completes(deployment.http, running.id)


def test_two_pushes_at_once_publish_two_versions_or_refuse_one(deployment: Deployment):
    """Whichever comes first, none is lost: the history has every version that was in force."""
    before = deployment.rushes("config", "history")[0]["number"]
    file = deployment.folder / "changed.toml"
    commands = []
    for price in ("0.31", "0.32"):
        own = file.with_suffix(f".{price}")
        own.write_text(CONFIG.replace("0.10", price))
        options = ("--env-file", str(deployment.env_file))
        commands.append([sys.executable, "-m", "cli", "config", "push", str(own), *options])
    running = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    errors = [process.communicate()[1] for process in running]
    codes = [process.returncode for process in running]
    history = deployment.rushes("config", "history")
    new = [entry for entry in history if entry["number"] > before]
    assert len(new) == codes.count(0) >= 1
    assert new[0]["in_force"]
    for code, error in zip(codes, errors, strict=True):
        assert code in (0, 1)
        assert (code == 1) == ("published at the same time" in error)


def test_corrupt_configuration_does_not_stop_the_deployment(deployment: Deployment):
    before = deployment.rushes("config", "history")[0]["number"]
    deployment.job_under(before)
    target = local_target(deployment.env_file)
    s3: Any = target.client("s3")
    s3.put_object(Bucket=target.bucket, Key="config/current.json", Body=b"{")
    time.sleep(REFRESH_SECONDS + 1)
    job = deployment.create()
    assert job.config_version in (before - 1, before)  # one process may not have read the last
    assert completes(deployment.http, job.id)
    repaired = deployment.push(CONFIG.replace("0.10", "0.40"))
    assert deployment.job_under(repaired).cost == 0.4
