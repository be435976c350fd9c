"""Metrics as EMF lines on standard output, emitted by the code paths that the alarms observe."""

import json
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from functions.poll import app as poll_app
from functions.sweep import app as sweep_app
from rushes.aws.config_store import ConfigStore
from rushes.aws.dynamodb.items import Item, query_items
from rushes.aws.published_catalogs import PublishedCatalogs
from rushes.catalog.limits import Limits
from rushes.errors import (
    AwsUnavailable,
    CorruptRecord,
    DownloadInterrupted,
    UpstreamNoResponse,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.pause import PauseReason
from rushes.metrics import DIMENSION, DIMENSIONS, NAMESPACE, Measure, Metric, count
from rushes.ports.http import HttpReply
from rushes.wiring import sweep as sweep_wiring
from rushes.wiring import workflow
from rushes.workflow.circuit import OUTAGE_SECONDS, THRESHOLD
from rushes.workflow.job_metrics import outcome_of, spend_of
from rushes.workflow.pauses import for_operator
from rushes.workflow.task import NextStep
from tests.harness import CREATE, Harness, reply, video
from tests.lambda_context import InvocationContext
from tests.unit.api.test_budget_alerts import Deployment as BudgetDeployment
from tests.unit.dialects.api_client import Caller
from tests.unit.jobs.plain_job import plain_job
from tests.unit.webhooks.harness import Harness as WebhookHarness

CONTEXT: Any = InvocationContext()


def reject_provider_key(harness: Harness) -> None:
    """The circuit opens, and counts, after several rejections."""
    harness.answer(CREATE, *[reply(401)] * THRESHOLD)
    for _ in range(THRESHOLD):
        harness.submit(harness.accepted())


def refuse_account(harness: Harness) -> None:
    job = harness.accepted(reply(402))
    harness.submit(job)


def remove_model(harness: Harness) -> None:
    job = harness.accepted(reply(404, error={"code": "model_not_found", "message": "retired"}))
    harness.submit(job)


def stop_provider(harness: Harness) -> None:
    """The circuit opens, and counts, after some minutes without an answer."""
    job = harness.accepted(UpstreamUnreachable("the provider cannot be reached"))
    for _ in range(THRESHOLD):
        harness.submit(job)
        harness.clock.advance(OUTAGE_SECONDS / 2)


def lose_create_response(harness: Harness) -> None:
    job = harness.accepted()
    harness.answer(CREATE, UpstreamNoResponse("timeout"))
    harness.submit(job)
    harness.finish(job)


def find_corrupt_item(harness: Harness) -> None:
    def fail(*_: object) -> None:
        raise CorruptRecord("not JSON")

    harness.jobs.get = fail  # type: ignore[method-assign, assignment]
    harness.sweeper.reconcile_job("demo", "job_1")


def store_no_output(harness: Harness) -> None:
    job = harness.generated(b"<html>soon</html>")
    harness.collect_to_end(job)
    harness.finish(job)


def use_budget(dollars: float, jobs: int) -> None:
    """Create jobs of $0.40 each within a budget."""
    BudgetDeployment(Limits(daily_dollars=dollars)).create(jobs)


def pause_job(harness: Harness) -> None:
    job = harness.running()
    pause = for_operator(PauseReason.RESTORED, "from a backup", harness.clock())
    harness.change(job, lambda job, now: job.paused(now, pause))
    harness.sweeper.reconcile_job(job.account, job.id)


def store_newer_job(harness: Harness) -> None:
    job = harness.running()
    newer = {**json.loads(job.model_dump_json()), "stage": "upscaling", "version": job.version + 1}
    harness.change(job, lambda *_: Job.model_validate(newer))
    harness.sweeper.reconcile_job(job.account, job.id)


def read_corrupt_pointer(_: Harness) -> None:
    s3: Any = BytesBucket(b"not JSON")
    with pytest.raises(AwsUnavailable):
        PublishedCatalogs(ConfigStore(lambda: s3, "media"), lambda: 0.0).current()


class BytesBucket:
    """An S3 client whose only object is the pointer of the configuration."""

    exceptions = SimpleNamespace(NoSuchKey=KeyError)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def get_object(self, **_: object) -> dict[str, Any]:
        length = len(self._content)
        return {"Body": BytesIO(self._content), "ContentLength": length, "ETag": "1"}

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [])


TRIGGERS: dict[Metric, Callable[[Harness], None]] = {
    Metric.BUDGET_ALMOST_SPENT: lambda _: use_budget(0.5, 1),
    Metric.BUDGET_SPENT: lambda _: use_budget(0.4, 1),
    Metric.CONFIG_NOT_READABLE: read_corrupt_pointer,
    Metric.CORRUPT_RECORD: find_corrupt_item,
    Metric.DEAD_LETTER: store_no_output,
    Metric.JOB_PAUSED: pause_job,
    Metric.NEWER_RECORD: store_newer_job,
    Metric.OUTCOME_UNKNOWN: lose_create_response,
    Metric.PROVIDER_ACCOUNT_REFUSED: refuse_account,
    Metric.PROVIDER_DOWN: stop_provider,
    Metric.PROVIDER_KEY_REJECTED: reject_provider_key,
    Metric.PROVIDER_MODEL_UNAVAILABLE: remove_model,
}


def emitted(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"_aws"')]


@pytest.mark.parametrize("metric", Metric)
def test_metric_is_emitted_when_its_alarm_must_fire(
    metric: Metric, capsys: pytest.CaptureFixture[str]
):
    TRIGGERS[metric](Harness())
    assert names_of_alarms(capsys.readouterr().out) == [metric.value]


def names_of_alarms(output: str) -> list[str]:
    names = {metric.value for metric in Metric}
    return [key for line in emitted(output) for key in line if key in names]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (UpstreamUnreachable("the provider cannot be reached"), "upstream_unreachable"),
        (reply(429), "upstream_busy"),
        (reply(402), "upstream_account"),
        (reply(400), "upstream_refused"),
    ],
)
def test_failed_call_and_failover_are_counted_by_provider_and_code(
    answer: HttpReply | Exception, code: str, capsys: pytest.CaptureFixture[str]
):
    harness = Harness()
    job = harness.accepted(answer, model="sure")
    harness.submit(job)
    harness.clock.advance(61)
    harness.submit(job)
    lines = emitted(capsys.readouterr().out)
    failed = next(line for line in lines if "ProviderCallFailed" in line)
    assert (failed["provider"], failed["code"]) == ("sandbox", code)
    moved = next(line for line in lines if "JobFailedOver" in line)
    assert moved["provider"] == "sandbox"
    (definition,) = moved["_aws"]["CloudWatchMetrics"]
    assert set(definition["Dimensions"][0]) >= {"provider", "code"}


class CorruptItems:
    """A DynamoDB client whose queries return one corrupt item."""

    def query(self, **_: object) -> dict[str, Any]:
        return {"Items": [{"pk": {"S": "JOB#demo#job_1"}}]}


def test_query_items_counts_a_corrupt_item(capsys: pytest.CaptureFixture[str]):
    def refuse(_: Item) -> None:
        raise CorruptRecord("not JSON")

    client: Any = CorruptItems()
    assert list(query_items(client, "table", {}, refuse)) == []
    (line,) = emitted(capsys.readouterr().out)
    assert line["CorruptRecord"] == [1.0]


def test_no_alarm_is_counted_for_a_completed_job(capsys: pytest.CaptureFixture[str]):
    Harness().completed()
    assert names_of_alarms(capsys.readouterr().out) == []


def finish_jobs(harness: Harness) -> None:
    harness.completed()


def throttle(harness: Harness) -> None:
    harness.submit(harness.accepted(reply(429)))


def fail_polls(harness: Harness) -> None:
    harness.poll(harness.running(reply(503)))


def interrupt_download(harness: Harness) -> None:
    job = harness.generated(DownloadInterrupted("reset"))
    harness.collect(job)


def attempt_webhook(_: Harness) -> None:
    WebhookHarness.with_delivery(200).attempt()


def request_unknown_job(_: Harness) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Caller(patch).call("GET", "/openai/v1/videos/job_1")


def poll_result(harness: Harness) -> None:
    call_function(poll_app, workflow, "poll", harness.running(video("completed")), harness.poll)


def sweep_jobs(harness: Harness) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_wiring, "job_sweeper", lambda: harness.sweeper)
        sweep_app.lambda_handler({"detail-type": "Scheduled Event"}, CONTEXT)


def call_function(
    app: Any, wiring: Any, name: str, job: Job, task: Callable[[Job], NextStep]
) -> None:
    """Invoke a state's function for a job."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, name, lambda: SimpleNamespace(run=lambda *_: task(job)))
        start = {"account": job.account, "job_id": job.id, "wait_seconds": 8}
        app.lambda_handler(start, CONTEXT)


MEASURED: dict[Measure, tuple[tuple[Callable[[Harness], None], float], ...]] = {
    Measure.API_REQUESTS: ((request_unknown_job, 1),),
    Measure.JOBS_FINISHED: ((finish_jobs, 1), (lose_create_response, 1)),
    Measure.JOBS_REPAIRED: ((sweep_jobs, 0),),
    Measure.POLL_DELAY: ((poll_result, 8),),
    Measure.QUEUE_AGE: ((throttle, 0),),
    Measure.RETRIES: ((throttle, 1), (fail_polls, 1), (interrupt_download, 1)),
    Measure.SPEND: ((finish_jobs, 0.4),),
    Measure.TIME_TO_FIRST_OUTPUT: ((finish_jobs, 0),),
    Measure.WEBHOOK_ATTEMPTS: ((attempt_webhook, 1),),
}


@pytest.mark.parametrize(
    ("measure", "trigger", "value"),
    [(measure, *case) for measure, cases in MEASURED.items() for case in cases],
)
def test_measure_is_recorded_with_its_dimensions(
    measure: Measure,
    trigger: Callable[[Harness], None],
    value: float,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "my-stack")
    trigger(Harness())
    line = next(line for line in emitted(capsys.readouterr().out) if measure in line)
    assert line[measure] == [value]
    (definition,) = line["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == NAMESPACE
    found = {frozenset(names) for names in definition["Dimensions"]}
    assert found == {frozenset({DIMENSION, *names}) for names in DIMENSIONS[measure]}
    assert all(line[name] for names in found for name in names)
    assert line[DIMENSION] == "my-stack"


def test_every_measure_is_recorded_by_a_test():
    assert MEASURED.keys() == set(Measure)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("content_filtered", "refused"),
        ("upstream_refused", "refused"),
        ("invalid_input_reference", "refused"),
        ("upstream_failed", "failed"),
        ("upstream_timeout", "failed"),
        ("internal_error", "failed"),
    ],
)
def test_failure_because_of_the_request_is_no_failure_of_the_service(code: str, outcome: str):
    error = {"code": code, "message": "no"}
    assert outcome_of(plain_job(status="failed", error=error)) == outcome


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_other_outcomes_are_the_status(status: str):
    assert outcome_of(plain_job(status=status)) == status


@pytest.mark.parametrize(
    ("fields", "dollars"),
    [
        ({"status": "completed", "cost": 0.4}, 0.4),
        ({"status": "completed", "cost": None}, 0.0),
        ({"status": "failed", "cost": 0.4, "error": {"code": "upstream_busy", "message": ""}}, 0.0),
        ({"status": "failed", "cost": 0.4, "submission_unconfirmed_since": 5.0}, 0.4),
    ],
)
def test_spend_is_the_cost_of_a_job_that_may_be_billed(fields: dict[str, Any], dollars: float):
    assert spend_of(plain_job(**fields)) == dollars


def test_count_writes_one_emf_line_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "my-stack")
    count(Metric.CORRUPT_RECORD)
    (line,) = emitted(capsys.readouterr().out)
    definition = line.pop("_aws")["CloudWatchMetrics"]
    assert definition == [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [[DIMENSION]],
            "Metrics": [{"Name": "CorruptRecord", "Unit": "Count"}],
        }
    ]
    assert line == {"CorruptRecord": [1.0], DIMENSION: "my-stack"}
