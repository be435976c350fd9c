"""Create the deliveries of an event, and queue delayed deliveries."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.aws.sqs_batch import handle_each
from rushes.webhooks.log_events import DELIVERIES_CREATED
from rushes.wiring import webhooks

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle_each(event, notify)


def notify(message: dict[str, Any]) -> None:
    created = webhooks.fanout().run(message)
    logger.info(DELIVERIES_CREATED, count=created)
