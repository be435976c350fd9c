"""The only builder of real things: each function asks here for the one thing that it calls.

Imports stand inside where only some functions want what they bring: the api function, which
clients wait for, loads neither httpx nor a provider.
"""

import random
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import boto3
from botocore.config import Config

from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.dynamodb.lookup_tables import KeyTable, RateLimitTable, TimingTable
from rushes.aws.step_functions import StateMachine
from rushes.catalog.models import catalog
from rushes.config import settings

if TYPE_CHECKING:
    from rushes.api.jobs import Endpoints
    from rushes.api.webhooks.handlers import WebhookApi
    from rushes.aws.s3 import Bucket
    from rushes.aws.sqs import WebhookQueues
    from rushes.http.url_policy import PublicUrlPolicy
    from rushes.webhooks.deliver import Deliver
    from rushes.webhooks.fanout import Fanout
    from rushes.webhooks.requeue import DeliverySweeper
    from rushes.workflow.collect import Collect
    from rushes.workflow.event_publisher import EventPublisher
    from rushes.workflow.finish import Finish
    from rushes.workflow.poll import Poll
    from rushes.workflow.submit import Submit
    from rushes.workflow.sweeper import Sweeper

DAY = 24 * 3600
Kept = TypeVar("Kept")

ONE_SESSION = boto3.session.Session()
RETRIES = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=20
)


def _s3() -> Config:
    """Links must name the bucket's region: a new bucket's others redirect, and break signatures.

    By host name, then; but the local engine has no host names.
    """
    style: Literal["path", "virtual"] = "path" if settings().local_mode else "virtual"
    return RETRIES.merge(
        Config(
            signature_version="s3v4",
            request_checksum_calculation="when_required",  # a stream is read once
            s3={"addressing_style": style, "payload_signing_enabled": False},
            read_timeout=120,
        )
    )


@cache
def _client(service: str, config: Config = RETRIES) -> Any:  # noqa: ANN401 - boto3 makes it
    make: Any = ONE_SESSION.client  # the stubs have an overload for each literal name
    return make(service, config=config)


def _rows(kind: Callable[[Any, str], Kept]) -> Kept:
    """One kind of rows in the one table."""
    return kind(_client("dynamodb"), settings().table_name)


@cache
def endpoints() -> "Endpoints":
    from rushes.api.auth import Authenticator
    from rushes.api.build_job import JobBuilder
    from rushes.api.create_job import CreateJob
    from rushes.api.job_service import Service
    from rushes.api.jobs import Endpoints

    jobs = _rows(JobTable)
    acceptance = CreateJob(
        job_builder=JobBuilder(jobs, _bucket(), catalog(), time.time, _url_policy()),
        jobs=jobs,
        executions=StateMachine(_client("stepfunctions"), settings().state_machine_arn),
        clock=time.time,
        daily_dollars=settings().daily_dollars or None,
    )
    service = Service(acceptance, jobs, _bucket(), catalog(), time.time, time.sleep)
    return Endpoints(service, Authenticator(_rows(KeyTable)), settings().public_url.rstrip("/"))


@cache
def webhook_api() -> "WebhookApi":
    from rushes.api.auth import Authenticator
    from rushes.api.webhooks.endpoint_service import EndpointService
    from rushes.api.webhooks.handlers import WebhookApi
    from rushes.api.webhooks.message_service import MessageService
    from rushes.api.webhooks.send import Mailer
    from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable

    kept, deliveries = _rows(EndpointTable), _rows(DeliveryTable)
    mailer = Mailer(deliveries, _webhook_queues(), time.time)
    endpoint_service = EndpointService(kept, _url_policy(), time.time)
    message_service = MessageService(kept, deliveries, mailer, time.time, time.sleep)
    return WebhookApi(endpoint_service, message_service, Authenticator(_rows(KeyTable)))


def _url_policy() -> "PublicUrlPolicy":
    from rushes.http.url_policy import PublicUrlPolicy

    return PublicUrlPolicy(local_mode=settings().local_mode)


@cache
def submit() -> "Submit":
    from rushes.workflow.submit import Submit

    return Submit(**_tools())


@cache
def poll() -> "Poll":
    from rushes.workflow.poll import Poll

    return Poll(**_tools())


@cache
def collect() -> "Collect":
    from rushes.workflow.collect import Collect

    return Collect(**_tools())


@cache
def finish() -> "Finish":
    from rushes.workflow.finish import Finish

    return Finish(
        jobs=_rows(JobTable),
        blobs=_bucket(),
        timings=_rows(TimingTable),
        publish=_event_publisher(),
        clock=time.time,
        bucket=settings().bucket_name,
        keep_seconds=settings().output_days * DAY,
    )


@cache
def notifier() -> "Fanout":
    from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
    from rushes.webhooks.fanout import Fanout
    from rushes.webhooks.payloads import speaks

    return Fanout(
        jobs=_rows(JobTable),
        endpoints=_rows(EndpointTable),
        deliveries=_rows(DeliveryTable),
        queue=_webhook_queues(),
        speaks=speaks,
        clock=time.time,
    )


@cache
def deliverer() -> "Deliver":
    from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
    from rushes.aws.eventbridge import EventBus
    from rushes.http.client import SafeHttpClient
    from rushes.webhooks.deliver import Deliver
    from rushes.webhooks.payload_builder import PayloadRenderer

    jobs = _rows(JobTable)
    return Deliver(
        deliveries=_rows(DeliveryTable),
        endpoints=_rows(EndpointTable),
        queue=_webhook_queues(),
        bus=EventBus(_client("events"), settings().bus_name),
        notifier=SafeHttpClient(_bucket(), local_mode=settings().local_mode),
        write=PayloadRenderer(jobs, _bucket(), time.time),
        clock=time.time,
        dice=random.random,
    )


@cache
def overdue() -> "DeliverySweeper":
    from rushes.aws.dynamodb.webhooks import DeliveryTable
    from rushes.webhooks.requeue import DeliverySweeper

    return DeliverySweeper(_rows(DeliveryTable), _webhook_queues(), time.time)


def _webhook_queues() -> "WebhookQueues":
    from rushes.aws.sqs import WebhookQueues

    return WebhookQueues(
        _client("sqs"),
        deliveries=settings().deliveries_queue_url,
        events=settings().events_queue_url,
    )


@cache
def sweeper() -> "Sweeper":
    from rushes.workflow.sweeper import Sweeper

    return Sweeper(
        jobs=_rows(JobTable),
        blobs=_bucket(),
        executions=StateMachine(_client("stepfunctions"), settings().state_machine_arn),
        publish=_event_publisher(),
        clock=time.time,
    )


def _event_publisher() -> "EventPublisher":
    from rushes.aws.eventbridge import EventBus
    from rushes.workflow.event_publisher import EventPublisher

    jobs = _rows(JobTable)
    return EventPublisher(jobs, EventBus(_client("events"), settings().bus_name), time.time)


def _bucket() -> "Bucket":
    from rushes.aws.s3 import Bucket

    return Bucket(_client("s3", _s3()), settings().bucket_name, settings().output_bytes)


def _tools() -> dict[str, Any]:
    from rushes.aws.secrets import ProviderSecret
    from rushes.http.client import SafeHttpClient
    from rushes.providers import adapter

    bucket, secret_arn = _bucket(), settings().provider_secret_arn
    return {
        "jobs": _rows(JobTable),
        "blobs": bucket,
        "timings": _rows(TimingTable),
        "upstreams": ProviderSecret(_client("secretsmanager"), secret_arn, catalog()),
        "http_client": SafeHttpClient(bucket, local_mode=settings().local_mode),
        "rate_limits": _rows(RateLimitTable),
        "publish": _event_publisher(),
        "catalog": catalog(),
        "adapter": adapter,
        "clock": time.time,
    }
