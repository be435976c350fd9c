"""Log and count the errors of providers, with their own text, and reword them for clients."""

from typing import Any

from aws_lambda_powertools import Logger

from rushes.catalog.provider_config import VendorErrors
from rushes.errors import (
    UpstreamAccountError,
    UpstreamError,
    UpstreamModelUnavailable,
    UpstreamThrottled,
)
from rushes.jobs.job import Job
from rushes.metrics import Metric, ProviderMetric, count, count_by_provider
from rushes.providers.base import Failed
from rushes.providers.error_meaning import Meaning, known_code
from rushes.workflow.log_events import (
    PROVIDER_ACCOUNT_REFUSED,
    PROVIDER_CALL_FAILED,
    PROVIDER_JOB_FAILED,
    PROVIDER_MODEL_UNAVAILABLE,
)
from rushes.workflow.public_errors import reworded, reworded_failure

logger = Logger(service="rushes", child=True)


def report(job: Job, call: str, error: UpstreamError) -> UpstreamError:
    """Log and count a failed call; return its error with a message for clients."""
    fields: dict[str, Any] = {
        **job.log_fields,
        "provider": job.provider,
        "model": job.upstream_model,
        "call": call,
        "code": error.error_code,
        "upstream_code": error.upstream_code,
        "reason": error.detail or error.message,
    }
    if isinstance(error, UpstreamAccountError):
        logger.error(PROVIDER_ACCOUNT_REFUSED, **fields)
        count(Metric.PROVIDER_ACCOUNT_REFUSED, job.log_fields)
    elif isinstance(error, UpstreamModelUnavailable):
        logger.error(PROVIDER_MODEL_UNAVAILABLE, **fields)
        count(Metric.PROVIDER_MODEL_UNAVAILABLE, job.log_fields)
    elif isinstance(error, UpstreamThrottled):
        logger.info(PROVIDER_CALL_FAILED, **fields)
    else:
        logger.warning(PROVIDER_CALL_FAILED, **fields)
    count_by_provider(ProviderMetric.CALL_FAILED, job.provider, error.error_code, job.log_fields)
    return reworded(job.provider, error)


def report_failed_job(job: Job, result: Failed, errors: VendorErrors) -> Failed:
    """Log a job that failed at its provider; return the result with a message for clients."""
    error = result.error
    logger.info(
        PROVIDER_JOB_FAILED,
        **job.log_fields,
        provider=job.provider,
        model=job.upstream_model,
        code=error.code,
        upstream_code=error.upstream_code,
        reason=error.message,
    )
    known = known_code([error.upstream_code], errors) if error.upstream_code else None
    if known and known.meaning is Meaning.ACCOUNT:
        count(Metric.PROVIDER_ACCOUNT_REFUSED, job.log_fields)
    count_by_provider(ProviderMetric.CALL_FAILED, job.provider, error.code, job.log_fields)
    return reworded_failure(job.provider, result)
