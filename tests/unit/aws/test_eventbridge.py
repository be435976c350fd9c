"""Tests of the EventBridge adapter."""

import json
from typing import Any

import pytest

from rushes.aws.eventbridge import EventBus

VALID = {"id": "evt_1", "type": "job.completed"}


class Client:
    """Records entries and rejects those whose event has `rejected`."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - as boto3
        self.entries += Entries
        details = [json.loads(entry["Detail"]) for entry in Entries]
        return {"Entries": [{"ErrorCode": "x"} if "rejected" in one else {} for one in details]}


@pytest.fixture
def client() -> Client:
    return Client()


def put(client: Client, *events: dict[str, Any]) -> list[int]:
    stub: Any = client
    return sorted(EventBus(stub, "bus").put(events))


@pytest.mark.parametrize("event", [{"id": "evt_2"}, {"id": "evt_2", "type": None}, {"type": ""}])
def test_put_rejects_an_event_without_type_and_puts_the_others(
    client: Client, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
):
    assert put(client, event, VALID) == [0]
    assert [json.loads(entry["Detail"]) for entry in client.entries] == [VALID]
    assert "CorruptRecord" in capsys.readouterr().out


def test_put_returns_indexes_of_all_rejected_events(client: Client):
    """An event without type shifts the entries; a request has at most ten."""
    events = [dict(VALID) for _ in range(25)]
    events[3] = {"id": "evt_3"}
    events[13]["rejected"] = "yes"
    events[14] = {"id": "evt_14"}
    events[24]["rejected"] = "yes"
    assert put(client, *events) == [3, 13, 14, 24]
    assert len(client.entries) == 23


def test_put_of_invalid_events_only_calls_nothing(client: Client):
    assert put(client, {"id": "evt_2"}) == [0]
    assert client.entries == []
