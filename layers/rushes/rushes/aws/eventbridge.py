"""EventBridge adapter: puts events on the bus."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from rushes.aws.errors import translate_aws_errors
from rushes.jobs.events import SOURCE, has_type
from rushes.metrics import CORRUPT_RECORD, Metric, count
from rushes.redaction import REDACTOR

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

MAX_ENTRIES = 10
"""Per PutEvents request."""

logger = Logger(service="rushes", child=True)


class EventBus:
    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return the indexes of rejected events: EventBridge answers 200 even if it rejects all.

        An event without a type, in an item that was edited by hand, is rejected here.
        """
        valid = [index for index, event in enumerate(events) if has_type(event)]
        rejected = [index for index in range(len(events)) if index not in valid]
        for index in rejected:
            logger.error(CORRUPT_RECORD, item=events[index].get("id"), reason="event without type")
            count(Metric.CORRUPT_RECORD)
        for start in range(0, len(valid), MAX_ENTRIES):
            batch = valid[start : start + MAX_ENTRIES]
            entries = [self._entry(events[index]) for index in batch]
            with translate_aws_errors():
                reply = self._client.put_events(Entries=entries)
            results = zip(batch, reply["Entries"], strict=True)
            rejected += [index for index, result in results if "ErrorCode" in result]
        return rejected

    def _entry(self, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - its type is in the stubs
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event["type"],
            # As UTF-8: with escapes, labels of wide characters exceed the 256 KB of a request.
            "Detail": REDACTOR.redact(json.dumps(event, ensure_ascii=False)),
        }
