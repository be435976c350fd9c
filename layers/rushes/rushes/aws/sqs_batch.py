"""Messages of a queue, one by one: one that fails comes again by itself, and is heard of."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.base import FailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from typing_extensions import override

logger = Logger(service="rushes", child=True)


class BatchHandler(BatchProcessor):
    def __init__(self) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)

    @override
    def failure_handler(self, record: Any, exception: Any) -> FailureResponse:
        logger.error("a message was not handled", exc_info=exception)
        return super().failure_handler(record, exception)


def handle_each(event: dict[str, Any], handle: Callable[[Any], None]) -> dict[str, Any]:
    """Gives what Lambda is to know: which messages shall come again."""

    def handle_record(record: SQSRecord) -> None:
        handle(json.loads(record.body))

    inbox = BatchHandler()
    with inbox(event["Records"], handle_record):
        inbox.process()
    return dict(inbox.response())
