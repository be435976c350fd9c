"""Every minute: look after forgotten jobs."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes import wiring

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    repaired = wiring.sweeper().sweep()
    logger.info("sweep", repaired=repaired)
    return {"repaired": repaired}
