"""Repair overdue jobs every minute; a job at once if its execution failed.

Another schedule queues overdue deliveries, so that many jobs do not delay them. Also deletes
uploads that are too large, when S3 reports them.
"""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.json_parser import MAX_REQUEST_VALUES, parse_json
from rushes.logs import function_logger, redact_errors
from rushes.metrics import Measure, record
from rushes.wiring import sweep

SWEEP_SECONDS = 40.0
"""After the start, until which jobs or deliveries are handled; the timeout is 60."""
DELIVERIES = {"work": "deliveries"}
"""Event of the schedule for deliveries, in template.yaml."""
SWEEP_FINISHED = "sweep_finished"
EXECUTION_WITHOUT_JOB = "execution_without_job"
"""Log events."""

logger = function_logger()


@redact_errors
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    if event.get("detail-type") == "Object Created":
        deleted = sweep.oversized_uploads().delete(event["detail"])
        logger.info(SWEEP_FINISHED, deleted=deleted)
        return {"deleted": deleted}
    begun = time.monotonic()
    if event == DELIVERIES:
        queued = sweep.delivery_sweeper().sweep(lambda: time.monotonic() < begun + SWEEP_SECONDS)
        logger.info(SWEEP_FINISHED, queued=queued)
        return {"queued": queued}
    execution_failed = event.get("detail-type") == "Step Functions Execution Status Change"
    if execution_failed:
        job = _job_of(event)
        repaired = sweep.job_sweeper().reconcile_job(*job) if job else 0
    else:
        repaired = sweep.job_sweeper().sweep(lambda: time.monotonic() < begun + SWEEP_SECONDS)
    logger.info(SWEEP_FINISHED, repaired=repaired)
    record(Measure.JOBS_REPAIRED, repaired)
    return {"repaired": repaired}


def _job_of(event: dict[str, Any]) -> tuple[str, str] | None:
    """Return account and job id; None for an execution that was started by hand without them."""
    try:
        start = parse_json(str(event["detail"]["input"]), MAX_REQUEST_VALUES)
        account, job_id, request_id = start["account"], start["job_id"], start.get("request_id")
    except (LookupError, TypeError, ValueError):
        account = job_id = request_id = None
    if isinstance(account, str) and isinstance(job_id, str):
        logger.append_keys(account=account, job_id=job_id, request_id=request_id)
        return account, job_id
    logger.warning(EXECUTION_WITHOUT_JOB)
    return None
