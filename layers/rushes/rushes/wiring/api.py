"""Objects of the api function."""

import time
from functools import cache
from typing import TYPE_CHECKING

from rushes.api.auth import Authenticator
from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.job_service import JobService
from rushes.api.jobs import JobsApi
from rushes.api.request_limits import CreateLimiter, FailedKeyLimiter
from rushes.http.url_policy import InputUrlPolicy, PublicUrlPolicy
from rushes.wiring.aws import aws

if TYPE_CHECKING:
    from rushes.api.webhooks.handlers import WebhookApi


@cache
def jobs_api() -> JobsApi:
    jobs, bucket, catalogs = aws().jobs, aws().bucket, aws().catalogs
    validate_input_url = InputUrlPolicy(local_mode=aws().settings.local_mode)
    create_job = CreateJob(
        job_builder=JobBuilder(
            jobs, bucket, catalogs, time.time, _url_policy(), validate_input_url
        ),
        jobs=jobs,
        executions=aws().executions,
        clock=time.time,
        daily_dollars=aws().settings.daily_dollars or None,
        limiter=_create_limiter(),
    )
    service = JobService(create_job, jobs, bucket, catalogs, time.time, time.sleep)
    base_url = aws().settings.public_url.rstrip("/")
    return JobsApi(service, _authenticator(), base_url, aws().settings.download_url)


@cache
def webhook_api() -> "WebhookApi":
    from rushes.api.webhooks.endpoint_service import EndpointService
    from rushes.api.webhooks.handlers import WebhookApi
    from rushes.api.webhooks.message_service import MessageService

    endpoints, deliveries = aws().endpoints, aws().deliveries
    endpoint_service = EndpointService(endpoints, _url_policy(), time.time)
    message_service = MessageService(
        endpoints, deliveries, aws().webhook_queues, time.time, time.sleep
    )
    return WebhookApi(endpoint_service, message_service, _authenticator())


@cache
def _authenticator() -> Authenticator:
    return Authenticator(aws().api_keys, FailedKeyLimiter(aws().counters, time.time))


def _create_limiter() -> CreateLimiter | None:
    per_minute = aws().settings.creates_per_minute
    return CreateLimiter(aws().counters, time.time, per_minute) if per_minute else None


def _url_policy() -> PublicUrlPolicy:
    return PublicUrlPolicy(local_mode=aws().settings.local_mode)
