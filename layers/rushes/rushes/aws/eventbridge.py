"""EventBridge adapter: puts events on the bus."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rushes.aws.errors import translate_aws_errors
from rushes.jobs.events import SOURCE

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

MAX_ENTRIES = 10
"""Per PutEvents request."""


class EventBus:
    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return the indexes of rejected events: EventBridge answers 200 even if it rejects all."""
        rejected: list[int] = []
        for start in range(0, len(events), MAX_ENTRIES):
            batch = events[start : start + MAX_ENTRIES]
            with translate_aws_errors():
                reply = self._client.put_events(Entries=[self._entry(event) for event in batch])
            results = enumerate(reply["Entries"], start)
            rejected += [index for index, result in results if "ErrorCode" in result]
        return rejected

    def _entry(self, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - its type is in the stubs
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event["type"],
            "Detail": json.dumps(event),
        }
