"""End a job: the one terminal write, and the event that tells of it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes import wiring

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    ending = wiring.finish()(
        event["account"], event["job_id"], event["execution"], event.get("cause")
    )
    logger.info("finish", job_id=event["job_id"], status=ending["status"])
    return dict(ending)
