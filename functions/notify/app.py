"""Create the deliveries of an event, and queue delayed deliveries."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.aws.sqs_batch import handle_each
from rushes.logs import function_logger, redact_errors
from rushes.webhooks.fanout import ids_of
from rushes.webhooks.log_events import DELIVERIES_CREATED
from rushes.wiring import webhooks

BATCH_SECONDS = 40.0
"""No event is begun later: one with 100 receivers takes seconds, and the timeout is 60."""

logger = function_logger()


@redact_errors
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    end = time.monotonic() + BATCH_SECONDS
    return handle_each(event, notify, lambda: time.monotonic() < end)


def notify(message: dict[str, Any]) -> None:
    logger.append_keys(**ids_of(message))
    created = webhooks.fanout().run(message)
    logger.info(DELIVERIES_CREATED, count=created)
