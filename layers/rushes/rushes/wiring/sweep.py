"""Sweepers of jobs and of deliveries."""

import time
from functools import cache

from botocore.config import Config

from rushes.aws.threads import in_threads
from rushes.config import settings
from rushes.webhooks.requeue import DeliverySweeper
from rushes.wiring.aws import Aws
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.oversized_uploads import OversizedUploads
from rushes.workflow.paced_executions import PacedExecutions
from rushes.workflow.sweeper import Sweeper

SHORT_CALLS = Config(
    retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=5
)
"""A slow call must not use up the function's minute: the next sweep repeats it."""
DESCRIBES_PER_SECOND = 8.0
"""Of a quota of 10 in most regions."""


@cache
def short_calls() -> Aws:
    return Aws(settings(), SHORT_CALLS)


@cache
def job_sweeper() -> Sweeper:
    aws = short_calls()
    return Sweeper(
        jobs=aws.jobs,
        blobs=aws.bucket,
        executions=PacedExecutions(
            aws.executions, DESCRIBES_PER_SECOND, time.monotonic, time.sleep
        ),
        event_publisher=EventPublisher(aws.jobs, aws.bus, time.time, aws.settings.epoch),
        clock=time.time,
        for_each=in_threads,
    )


@cache
def oversized_uploads() -> OversizedUploads:
    return OversizedUploads(short_calls().bucket)


@cache
def delivery_sweeper() -> DeliverySweeper:
    aws = short_calls()
    return DeliverySweeper(aws.deliveries, aws.endpoints, aws.webhook_queues, time.time)
