"""Objects of the api function."""

import time
from functools import cache
from typing import TYPE_CHECKING

from rushes.api.auth import Authenticator
from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.job_service import JobService
from rushes.api.jobs import JobsApi
from rushes.catalog.models import catalog
from rushes.http.url_policy import PublicUrlPolicy
from rushes.wiring.aws import aws

if TYPE_CHECKING:
    from rushes.api.webhooks.handlers import WebhookApi


@cache
def jobs_api() -> JobsApi:
    jobs, bucket = aws().jobs, aws().bucket
    create_job = CreateJob(
        job_builder=JobBuilder(jobs, bucket, catalog(), time.time, _url_policy()),
        jobs=jobs,
        executions=aws().executions,
        clock=time.time,
        daily_dollars=aws().settings.daily_dollars or None,
    )
    service = JobService(create_job, jobs, bucket, catalog(), time.time, time.sleep)
    base_url = aws().settings.public_url.rstrip("/")
    return JobsApi(service, Authenticator(aws().api_keys), base_url)


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
    return WebhookApi(endpoint_service, message_service, Authenticator(aws().api_keys))


def _url_policy() -> PublicUrlPolicy:
    return PublicUrlPolicy(local_mode=aws().settings.local_mode)
