"""Repair overdue jobs and deliveries every minute, and a job at once if its execution failed."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.wiring import sweep

SWEEP_FINISHED = "sweep_finished"
"""Log event."""

logger = Logger(service="rushes")


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    execution_failed = event.get("detail-type") == "Step Functions Execution Status Change"
    if execution_failed:
        repaired, queued = sweep.job_sweeper().reconcile_job(*_job_of(event)), 0
    else:
        repaired, queued = sweep.job_sweeper().sweep(), sweep.delivery_sweeper().sweep()
    logger.info(SWEEP_FINISHED, repaired=repaired, queued=queued)
    return {"repaired": repaired}


def _job_of(event: dict[str, Any]) -> tuple[str, str]:
    start = json.loads(event["detail"]["input"])
    return start["account"], start["job_id"]
