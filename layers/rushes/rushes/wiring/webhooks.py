"""Webhook functions: fan out events to deliveries, and make delivery attempts."""

import random
import time
from functools import cache
from typing import TYPE_CHECKING

from rushes.wiring.aws import aws

if TYPE_CHECKING:
    from rushes.webhooks.deliver import Deliver
    from rushes.webhooks.fanout import Fanout


@cache
def fanout() -> "Fanout":
    from rushes.webhooks.fanout import Fanout
    from rushes.webhooks.payloads import supports

    return Fanout(
        jobs=aws().jobs,
        endpoints=aws().endpoints,
        deliveries=aws().deliveries,
        queue=aws().webhook_queues,
        supports=supports,
        clock=time.time,
    )


@cache
def deliver() -> "Deliver":
    from rushes.http.client import SafeHttpClient
    from rushes.webhooks.deliver import Deliver
    from rushes.webhooks.payloads import PayloadRenderer

    bucket = aws().bucket
    return Deliver(
        deliveries=aws().deliveries,
        endpoints=aws().endpoints,
        signing_secrets=aws().signing_secrets,
        queue=aws().webhook_queues,
        bus=aws().bus,
        http_client=SafeHttpClient(bucket, local_mode=aws().settings.local_mode),
        render=PayloadRenderer(aws().jobs, bucket, time.time).render,
        clock=time.time,
        jitter=random.random,
    )
