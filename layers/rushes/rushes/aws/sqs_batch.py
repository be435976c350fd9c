"""SQS batches with partial failures: only the failed messages of a batch are delivered again."""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.base import FailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from typing_extensions import override

MESSAGE_FAILED = "message_failed"
"""Log event."""

logger = Logger(service="rushes", child=True)


class BatchHandler(BatchProcessor):
    def __init__(self) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)

    @override
    def failure_handler(self, record: Any, exception: Any) -> FailureResponse:
        logger.error(MESSAGE_FAILED, exc_info=exception)
        return super().failure_handler(record, exception)


def handle_each(event: dict[str, Any], handle: Callable[[Any], None]) -> dict[str, Any]:
    """Call `handle` with each message's JSON body; return the failed message ids for Lambda."""

    def handle_record(record: SQSRecord) -> None:
        handle(json.loads(record.body))

    batch = BatchHandler()
    with batch(event["Records"], handle_record):
        batch.process()
    return dict(batch.response())
