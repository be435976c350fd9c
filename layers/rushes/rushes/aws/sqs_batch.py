"""SQS batches with partial failures: only the failed messages of a batch are delivered again."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.base import FailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from typing_extensions import override

from rushes.json_parser import MAX_REPLY_VALUES, parse_json

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


class OutOfTime(Exception):
    """The function's time does not suffice for this message."""


def handle_each(
    event: dict[str, Any],
    handle: Callable[[Any], None],
    has_time: Callable[[], bool] = lambda: True,
) -> dict[str, Any]:
    """Call `handle` with each message's JSON body; return the failed message ids for Lambda.

    Messages for which there is no time left count as failed, too. A timeout of the function would
    repeat the whole batch.
    """

    def handle_record(record: SQSRecord) -> None:
        if not has_time():
            raise OutOfTime("no time left for this message")
        handle(parse_json(record.body, MAX_REPLY_VALUES))

    batch = BatchHandler()
    with batch(event["Records"], handle_record):
        batch.process()
    return dict(batch.response())
