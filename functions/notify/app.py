"""Make deliveries of events, and hand on those that were kept back until now."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes import wiring
from rushes.aws.sqs_batch import handle_each

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle_each(event, notify)


def notify(message: dict[str, Any]) -> None:
    made = wiring.notifier().take(message)
    logger.info("notify", made=made)
