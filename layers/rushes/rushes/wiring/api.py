"""Objects of the api function."""

import time
from functools import cache
from typing import TYPE_CHECKING

from rushes.api.account_limits import AccountLimits
from rushes.api.account_states import AccountStates
from rushes.api.auth import Authenticator
from rushes.api.budget_alerts import BudgetAlerts
from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.job_service import JobService
from rushes.api.jobs import JobsApi
from rushes.api.request_limits import CreateLimiter, FailedKeyLimiter
from rushes.catalog.limits import Limit
from rushes.http.url_policy import InputUrlPolicy, PublicUrlPolicy
from rushes.jobs.charges import Threshold
from rushes.wiring.aws import aws

if TYPE_CHECKING:
    from rushes.api.native.dispatcher import NativeApi
    from rushes.api.webhooks.handlers import WebhookApi


@cache
def jobs_api() -> JobsApi:
    jobs, bucket, catalogs = aws().jobs, aws().bucket, aws().catalogs
    validate_input_url = InputUrlPolicy(local_mode=aws().settings.local_mode)
    create_job = CreateJob(
        job_builder=JobBuilder(
            jobs,
            bucket,
            catalogs,
            time.time,
            _url_policy(),
            validate_input_url,
            aws().settings.epoch,
        ),
        jobs=jobs,
        executions=aws().executions,
        clock=time.time,
        limits=AccountLimits(catalogs, default_limits()),
        limiter=CreateLimiter(aws().counters, time.time),
        alerts=BudgetAlerts(aws().limits, _publish, time.time),
        accounts=AccountStates(aws().accounts),
    )
    service = JobService(create_job, jobs, bucket, catalogs, time.time, time.sleep)
    base_url = aws().settings.public_url.rstrip("/")
    return JobsApi(service, authenticator(), base_url, aws().settings.download_url)


@cache
def webhook_api() -> "WebhookApi":
    from rushes.api.webhooks.endpoint_service import EndpointService
    from rushes.api.webhooks.handlers import WebhookApi
    from rushes.api.webhooks.message_service import MessageService

    endpoints, deliveries = aws().endpoints, aws().deliveries
    endpoint_service = EndpointService(endpoints, aws().signing_secrets, _url_policy(), time.time)
    message_service = MessageService(
        endpoints, deliveries, aws().webhook_queues, time.time, time.sleep
    )
    return WebhookApi(endpoint_service, message_service, authenticator())


@cache
def native_api() -> "NativeApi":
    from rushes.api.native.dispatcher import NativeApi
    from rushes.api.native.routes import ROUTES
    from rushes.wiring.native import Services

    return NativeApi(ROUTES, Services(), authenticator())


@cache
def authenticator() -> Authenticator:
    return Authenticator(aws().api_keys, FailedKeyLimiter(aws().counters, time.time))


def default_limits() -> Limit:
    settings = aws().settings
    return Limit(
        creates_per_minute=settings.creates_per_minute, daily_dollars=settings.daily_dollars
    )


def _publish(threshold: Threshold) -> bool:
    from rushes.jobs.budget_events import threshold_reached

    return not aws().bus.put([threshold_reached(threshold)])


def _url_policy() -> PublicUrlPolicy:
    return PublicUrlPolicy(local_mode=aws().settings.local_mode)
