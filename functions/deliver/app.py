"""Make one attempt at a delivery."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.aws.sqs_batch import handle_each
from rushes.logs import function_logger, redact_errors
from rushes.webhooks.queue_message import DeliveryTask
from rushes.wiring import webhooks

logger = function_logger()


@redact_errors
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return handle_each(event, deliver)


def deliver(message: dict[str, Any]) -> None:
    task = DeliveryTask.parse(message)
    logger.append_keys(account=task.account, job_id=task.job_id, request_id=None)
    webhooks.deliver().run(task.account, task.message_id, task.receiver, task.message_group_id)
