"""Every minute: look after jobs and deliveries. And at once, where an execution broke off."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes import wiring

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    broken = event.get("detail-type") == "Step Functions Execution Status Change"
    sweeper = wiring.sweeper()
    repaired = sweeper.look_after(*_job_of(event)) if broken else sweeper.sweep()
    queued = 0 if broken else wiring.overdue().sweep()
    logger.info("sweep", repaired=repaired, queued=queued)
    return {"repaired": repaired}


def _job_of(event: dict[str, Any]) -> tuple[str, str]:
    start = json.loads(event["detail"]["input"])
    return start["account"], start["job_id"]
