"""The event bus. The only user of the EventBridge client."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rushes.aws.errors import translate_aws_errors
from rushes.jobs.events import SOURCE

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

MOST = 10
"""Entries that one call may have."""


class EventBus:
    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """EventBridge answers 200 even where it has taken some of them only, or none."""
        refused: list[int] = []
        for start in range(0, len(events), MOST):
            part = events[start : start + MOST]
            with translate_aws_errors():
                reply = self._client.put_events(Entries=[self._entry(event) for event in part])
            answers = enumerate(reply["Entries"], start)
            refused += [index for index, answer in answers if "ErrorCode" in answer]
        return refused

    def _entry(self, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the stubs name it for type checking only
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event["type"],
            "Detail": json.dumps(event),
        }
