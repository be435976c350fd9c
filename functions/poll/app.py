"""Poll the provider once for a job, or check its key for an operator."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.logs import function_logger, redact_errors
from rushes.metrics import Measure, record
from rushes.wiring import workflow
from rushes.workflow.log_events import POLL_COMPLETED, PROVIDER_CHECKED
from rushes.workflow.task import ids_of

logger = function_logger()


@redact_errors
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if provider := event.get("check_provider"):
        result = workflow.check_key(provider)
        logger.info(PROVIDER_CHECKED, provider=provider, key=result.status, reason=result.reason)
        return asdict(result)
    logger.append_keys(**ids_of(event))
    next_step = workflow.poll().run(event["account"], event["job_id"])
    logger.info(POLL_COMPLETED, next_step=next_step)
    if next_step["status"] == "succeeded":
        record(Measure.POLL_DELAY, event.get("wait_seconds", 0), fields=ids_of(event))
    return {**event, **next_step}
