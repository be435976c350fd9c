"""Hand a job to its provider."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes import wiring

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    outcome = wiring.submit()(event["account"], event["job_id"])
    logger.info("submit", job_id=event["job_id"], outcome=outcome)
    return {**event, **outcome}
