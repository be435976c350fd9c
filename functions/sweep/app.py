"""Repair overdue jobs and deliveries every minute; a job at once if its execution failed.

Also deletes uploads that are too large, when S3 reports them.
"""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.json_parser import MAX_REQUEST_VALUES, parse_json
from rushes.logs import function_logger, redact_errors
from rushes.wiring import sweep

JOBS_SECONDS, DELIVERIES_SECONDS = 20.0, 40.0
"""Seconds after the start until which jobs, and then deliveries, are handled; the timeout is 60."""
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
    execution_failed = event.get("detail-type") == "Step Functions Execution Status Change"
    if execution_failed:
        job = _job_of(event)
        repaired = sweep.job_sweeper().reconcile_job(*job) if job else 0
        queued = 0
    else:
        repaired, queued = _sweep(time.monotonic())
    logger.info(SWEEP_FINISHED, repaired=repaired, queued=queued)
    return {"repaired": repaired}


def _sweep(begun: float) -> tuple[int, int]:
    """Deliveries follow also after an error of the other; the next sweep does what is left."""
    try:
        repaired = sweep.job_sweeper().sweep(lambda: time.monotonic() < begun + JOBS_SECONDS)
    finally:
        end = begun + DELIVERIES_SECONDS
        queued = sweep.delivery_sweeper().sweep(lambda: time.monotonic() < end)
    return repaired, queued


def _job_of(event: dict[str, Any]) -> tuple[str, str] | None:
    """Return account and job id; None for an execution that was started by hand without them."""
    try:
        start = parse_json(str(event["detail"]["input"]), MAX_REQUEST_VALUES)
        account, job_id = start["account"], start["job_id"]
    except (LookupError, TypeError, ValueError):
        account = job_id = None
    if isinstance(account, str) and isinstance(job_id, str):
        return account, job_id
    logger.warning(EXECUTION_WITHOUT_JOB)
    return None
