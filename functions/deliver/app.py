"""Make one attempt at a delivery."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes import wiring
from rushes.aws.sqs_batch import handle_each

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle_each(event, deliver)


def deliver(message: dict[str, Any]) -> None:
    ticket = message["ticket"]
    outcome = wiring.deliverer()(ticket["account"], ticket["message_id"], ticket["receiver"])
    logger.info(
        "deliver", message_id=ticket["message_id"], receiver=ticket["receiver"], outcome=outcome
    )
