"""Store a job's outputs in the bucket."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.logs import function_logger, redact_errors
from rushes.wiring import workflow
from rushes.workflow.log_events import COLLECT_COMPLETED
from rushes.workflow.task import ids_of

logger = function_logger()


@redact_errors
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(**ids_of(event))
    next_step = workflow.collect().run(event["account"], event["job_id"])
    logger.info(COLLECT_COMPLETED, next_step=next_step)
    return {**event, **next_step}
