"""Sweepers of jobs and of deliveries."""

import time
from functools import cache

from rushes.webhooks.requeue import DeliverySweeper
from rushes.wiring.aws import aws
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.sweeper import Sweeper


@cache
def job_sweeper() -> Sweeper:
    return Sweeper(
        jobs=aws().jobs,
        blobs=aws().bucket,
        executions=aws().executions,
        event_publisher=EventPublisher(aws().jobs, aws().bus, time.time),
        clock=time.time,
    )


@cache
def delivery_sweeper() -> DeliverySweeper:
    return DeliverySweeper(aws().deliveries, aws().webhook_queues, time.time)
