"""Metrics as EMF lines on standard output, emitted by the code paths that the alarms observe."""

import json
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from rushes.aws.config_store import ConfigStore
from rushes.aws.dynamodb.items import Item, query_items
from rushes.aws.published_catalogs import PublishedCatalogs
from rushes.errors import (
    AwsUnavailable,
    CorruptRecord,
    UpstreamNoResponse,
    UpstreamUnreachable,
)
from rushes.metrics import DIMENSION, NAMESPACE, Metric, count
from rushes.ports.http import HttpReply
from rushes.workflow.circuit import OUTAGE_SECONDS, THRESHOLD
from tests.harness import CREATE, Harness, reply


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
    Metric.CONFIG_NOT_READABLE: read_corrupt_pointer,
    Metric.CORRUPT_RECORD: find_corrupt_item,
    Metric.DEAD_LETTER: store_no_output,
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


def test_no_metric_is_emitted_for_a_completed_job(capsys: pytest.CaptureFixture[str]):
    Harness().completed()
    assert emitted(capsys.readouterr().out) == []


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
