"""A broken release in a simulation of the template: its alarm rolls it back, and no job fails.

The retriers come from the state machine, the alarm from the template. CloudWatch and CodeDeploy
are a model: the alarm fires a minute after a period with an error, the rollback takes a minute.
"""

import heapq
import random
from typing import Any

import pytest

from tests.template.deployed import properties
from tests.template.test_statemachine import states

JOBS = 1000
SPREAD_SECONDS = 300
"""The jobs are submitted within this time after the release."""
EVALUATION_SECONDS, ROLLBACK_SECONDS = 60, 60


def waits(state: str, jitter: random.Random) -> list[float]:
    """Return the pauses before the retries after an error of a function."""
    (retrier,) = [r for r in states()[state]["Retry"] if r["ErrorEquals"] == ["States.ALL"]]
    longest = [
        min(
            retrier["IntervalSeconds"] * retrier["BackoffRate"] ** number,
            retrier["MaxDelaySeconds"],
        )
        for number in range(retrier["MaxAttempts"])
    ]
    assert retrier["JitterStrategy"] == "FULL"
    return [jitter.uniform(0, seconds) for seconds in longest]


def alarm() -> tuple[int, float]:
    """Return period and threshold of the alarm."""
    resource: dict[str, Any] = properties("StepsReleaseAlarm", GradualDeployment="true")
    (period,) = {metric["MetricStat"]["Period"] for metric in resource["Metrics"][1:]}
    assert resource["EvaluationPeriods"] == 1
    assert resource["ComparisonOperator"] == "GreaterThanThreshold"
    return period, resource["Threshold"]


def release(state: str, share: float, seed: int) -> tuple[int, float]:
    """Release a version that always raises to a share of the calls.

    Return the number of failed jobs, and the time of the rollback in seconds.
    """
    source = random.Random(seed)  # noqa: S311 - a simulation
    period, threshold = alarm()
    calls = [(source.uniform(0, SPREAD_SECONDS), job, 0) for job in range(JOBS)]
    heapq.heapify(calls)
    pauses = [waits(state, source) for _ in range(JOBS)]
    errors: dict[int, int] = {}
    rolled_back, failed = float("inf"), 0
    while calls:
        now, job, attempt = heapq.heappop(calls)
        if now >= rolled_back or source.random() >= share:
            continue
        number = int(now // period)
        errors[number] = errors.get(number, 0) + 1
        if errors[number] > threshold:
            fires = (number + 1) * period + EVALUATION_SECONDS
            rolled_back = min(rolled_back, fires + ROLLBACK_SECONDS)
        if attempt == len(pauses[job]):
            failed += 1
        else:
            heapq.heappush(calls, (now + pauses[job][attempt], job, attempt + 1))
    return failed, rolled_back


@pytest.mark.parametrize("state", ["Submit to provider", "Poll provider", "Store outputs"])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_broken_release_is_rolled_back_and_no_job_fails(state: str, share: float):
    failed, rolled_back = release(state, share, seed=1)
    assert failed == 0
    assert rolled_back <= 240


def test_broken_release_of_finish_leaves_time_for_a_canary():
    """It has fewer retries than the other steps."""
    failed, _ = release("Finish", 0.1, seed=1)
    assert failed == 0


def test_broken_release_without_a_rollback_fails_jobs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.template.test_release.EVALUATION_SECONDS", 10**6)
    failed, _ = release("Submit to provider", 1.0, seed=1)
    assert failed == JOBS
