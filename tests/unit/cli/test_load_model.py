"""Ceilings of the load model."""

from collections.abc import Mapping
from dataclasses import asdict, replace

import pytest

from bench.load_model import load_of
from bench.measured_jobs import read_measured
from cli.load_model import THREE_MINUTES, Ceiling, JobLoad, ceilings, read_quotas

QUOTAS = read_quotas()


def first(load: JobLoad, applied: Mapping[str, float]) -> Ceiling:
    return ceilings(load, QUOTAS.quotas, "us-east-1", applied)[0]


def test_quotas_have_a_use_and_a_source():
    for quota in QUOTAS.quotas:
        assert quota.use in asdict(THREE_MINUTES)
        assert quota.source.startswith("https://docs.aws.amazon.com/")
        assert quota.in_region("eu-central-1") <= quota.value


@pytest.mark.parametrize(
    ("changes", "name", "rate"),
    [
        ({"hottest_key_units": 200.0}, "one partition key", 5),
        ({"function_seconds": 500.0}, "concurrent executions", 2),
        ({"transitions": 5000.0}, "StateTransition", 1),
        ({"api_requests": 20_000.0}, "API Gateway", 0.5),
        ({"job_seconds": 1e6}, "open executions", 1),
    ],
)
def test_the_quota_with_the_lowest_ceiling_is_first(
    changes: dict[str, float], name: str, rate: float
):
    ceiling = first(replace(THREE_MINUTES, **changes), {})
    assert name in ceiling.quota.name
    assert ceiling.jobs_per_second == pytest.approx(rate)


def test_small_regions_have_smaller_quotas():
    names = {quota.name: quota for quota in QUOTAS.quotas}
    assert names["Step Functions: StartExecution per second"].in_region("us-west-2") == 300
    assert names["Step Functions: StartExecution per second"].in_region("eu-central-1") == 150
    assert names["Lambda: concurrent executions"].in_region("eu-central-1") == 1000


def test_an_accounts_own_quota_replaces_the_default():
    new_account = {"Lambda: concurrent executions": 10.0}
    ceiling = first(THREE_MINUTES, new_account)
    assert ceiling.quota.name in new_account
    assert ceiling.jobs_per_second == pytest.approx(10 / THREE_MINUTES.function_seconds)


def test_the_reference_job_is_the_measured_one():
    """The reference of doctor is at least what was measured, and at most twice that."""
    measured = load_of(read_measured().find("560 characters", 180), QUOTAS.function_seconds)
    for name in ("transitions", "function_seconds", "table_units", "api_requests", "events"):
        used, reference = getattr(measured, name), getattr(THREE_MINUTES, name)
        assert used <= reference <= 2 * used, name
