"""State of several jobs: an item that cannot be read is reported and replaced."""

import logging
from typing import Any

import pytest

from rushes.aws.dynamodb.account_slots import AccountSlotTable
from rushes.aws.dynamodb.durations import TimingTable
from rushes.aws.dynamodb.items import key
from rushes.aws.dynamodb.provider_limits import RateLimitTable
from rushes.metrics import CORRUPT_RECORD
from rushes.ports.providers import RateLimit, Slots, Timing
from rushes.workflow.slots import INPUT_FETCHES, acquire, release
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable

NOW = 1_000.0
DOCUMENTS: dict[str, dict[str, Any]] = {
    "no JSON": {"S": "{"},
    "of another type": {"N": "5"},
    "of another model": {"S": '{"not_before": "soon", "holders": [1]}'},
}
VERSIONS: dict[str, dict[str, Any]] = {
    "valid": {"version": {"N": "3"}},
    "absent": {},
    "a text": {"version": {"S": "three"}},
    "a fraction": {"version": {"N": "1.5"}},
    "null": {"version": {"NULL": True}},
}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> dict[str, Any]:
    return VERSIONS[request.param]


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return DOCUMENTS[request.param]


def reported(caplog: pytest.LogCaptureFixture) -> list[Any]:
    lines = [line for line in caplog.records if line.getMessage() == CORRUPT_RECORD]
    assert all(line.levelno == logging.ERROR for line in lines)
    return [line.__dict__["item"] for line in lines]


def metric_lines(capsys: pytest.CaptureFixture[str]) -> int:
    return capsys.readouterr().out.count('"CorruptRecord":')


def test_limits_of_a_provider_begin_anew(
    table: CountedTable,
    document: dict[str, Any],
    version: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    item_key = key("PROVIDER", "p")
    table.fill(iter([{**item_key, "document": document, **version}]))
    limits = RateLimitTable(table.client, TABLE)
    assert limits.get("p") == RateLimit()
    assert limits.decide("p", lambda limit: (limit, "unchanged")) == "unchanged"
    assert reported(caplog) == [item_key["pk"]] * 2
    assert metric_lines(capsys) == 2
    later = RateLimit(not_before=NOW)
    limits.decide("p", lambda _: (later, None))
    assert limits.get("p") == later
    assert len(reported(caplog)) == 2  # readable since the first decision


def test_slots_of_an_account_begin_anew_within_their_number(
    table: CountedTable, document: dict[str, Any], version: dict[str, Any]
) -> None:
    item_key = key("SLOTS", "a", INPUT_FETCHES.name)
    table.fill(iter([{**item_key, "document": document, **version}]))
    slots = AccountSlotTable(table.client, TABLE)
    slots.decide("a", INPUT_FETCHES.name, lambda state: release(state, "job_from_before"))
    taken = [
        slots.decide(
            "a",
            INPUT_FETCHES.name,
            lambda state, name=f"job_{number}": acquire(state, name, INPUT_FETCHES, NOW),  # type: ignore[misc]
        )
        for number in range(INPUT_FETCHES.slots + 2)
    ]
    assert taken == [True] * INPUT_FETCHES.slots + [False] * 2


def test_unchanged_valid_state_is_not_written(table: CountedTable) -> None:
    slots = AccountSlotTable(table.client, TABLE)
    slots.decide("a", "inputs", lambda _: (Slots(), None))
    slots.decide("a", "inputs", lambda state: (state, None))
    assert table.calls["PutItem"] == 1


@pytest.mark.parametrize("edited", [{"count": {"S": "x"}}, {"count": {"N": "1.5"}}, {}])
def test_durations_begin_anew(
    table: CountedTable, edited: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    numbers = {"mean": {"N": "1"}, "variance": {"N": "1"}}
    table.fill(iter([{**key("TIMING", "t"), **numbers, **edited}]))
    timings = TimingTable(table.client, TABLE)
    assert timings.get("t") == Timing()
    assert reported(caplog) == [key("TIMING", "t")["pk"]]
    timings.put("t", Timing(1, 2.0, 0.5))
    assert timings.get("t") == Timing(1, 2.0, 0.5)


def test_reads_of_a_provider_are_current(table: CountedTable, monkeypatch: pytest.MonkeyPatch):
    """A pause by an operator holds the next create call, not the one after a second."""
    reads: list[bool] = []
    call = table.client._make_api_call

    def observed(operation: str, parameters: dict[str, Any]) -> Any:
        reads.append(parameters.get("ConsistentRead", False))
        return call(operation, parameters)

    monkeypatch.setattr(table.client, "_make_api_call", observed)
    limits = RateLimitTable(table.client, TABLE)
    limits.get("p")
    limits.decide("p", lambda limit: (limit, None))
    assert reads == [True, True]
