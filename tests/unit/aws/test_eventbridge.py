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


def test_events_of_a_job_with_the_largest_labels_fit_into_one_request(client: Client):
    """The first event waits in the outbox for the second one after an outage of the bus."""
    wide = "\N{CLAPPER BOARD}"
    labels = {
        "metadata": {f"{number:02}{wide * 62}": wide * 512 for number in range(16)},
        "tags": {f"{number:02}{'a' * 38}": wide * 128 for number in range(10)},
        "user": wide * 128,
    }
    events = [{**VALID, "id": f"evt_{number}", "data": labels} for number in range(2)]
    assert put(client, *events) == []
    assert [json.loads(entry["Detail"]) for entry in client.entries] == events
    assert sum(len(entry["Detail"].encode()) for entry in client.entries) < 128 * 1024
