"""Tasks of the state machine: submit, poll, collect and finish."""

import time
from functools import cache
from typing import TYPE_CHECKING

from rushes.wiring.aws import SESSION, aws, client
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.slots import JobSlots
from rushes.workflow.task import JobContext

if TYPE_CHECKING:
    from rushes.aws.secrets import ProviderSecrets
    from rushes.http.client import SafeHttpClient
    from rushes.ports.provider_checks import KeyCheck
    from rushes.workflow.collect import Collect
    from rushes.workflow.finish import Finish
    from rushes.workflow.poll import Poll
    from rushes.workflow.provider_client import ProviderClient
    from rushes.workflow.submit import Submit

DAY = 24 * 3600


@cache
def submit() -> "Submit":
    from rushes.workflow.concurrency import Concurrency
    from rushes.workflow.fetch_inputs import FetchInputs
    from rushes.workflow.rate_limiter import RateLimiter
    from rushes.workflow.submit import Submit

    context, providers = _context(), _providers()
    rate_limiter = RateLimiter(aws().rate_limits, aws().catalogs, time.time, time.sleep)
    fetch_inputs = FetchInputs(context, providers.http_client, aws().bucket, _slots())
    concurrency = Concurrency(aws().limits, aws().catalogs, time.time)
    return Submit(context, providers, rate_limiter, fetch_inputs, aws().timings, concurrency)


@cache
def poll() -> "Poll":
    from rushes.workflow.poll import Poll

    return Poll(_context(), _providers(), aws().bucket, aws().timings)


@cache
def collect() -> "Collect":
    from rushes.workflow.collect import Collect

    return Collect(_context(), _providers(), aws().bucket, _slots())


@cache
def finish() -> "Finish":
    from rushes.workflow.finish import Finish

    return Finish(
        jobs=aws().jobs,
        blobs=aws().bucket,
        timings=aws().timings,
        event_publisher=_publisher(),
        clock=time.time,
        bucket=aws().settings.bucket_name,
        retention_seconds=aws().settings.output_days * DAY,
        epoch=aws().settings.epoch,
    )


def _context() -> JobContext:
    return JobContext(aws().jobs, _publisher(), aws().catalogs, time.time, aws().settings.epoch)


def _slots() -> JobSlots:
    return JobSlots(aws().account_slots, time.time)


def _publisher() -> EventPublisher:
    return EventPublisher(aws().jobs, aws().bus, time.time, aws().settings.epoch)


def check_key(provider: str) -> "KeyCheck":
    from rushes.ports.provider_checks import KeyCheck
    from rushes.workflow import provider_check

    catalog, (upstreams, http_client) = aws().catalogs.current().catalog, _upstreams()
    entry = catalog.providers.get(provider)
    if entry is None:
        return KeyCheck("unclear", f"the configuration has no provider {provider[:80]!r}")
    return provider_check.check_key(
        lambda: upstreams.upstream(provider, entry), http_client, catalog, provider
    )


def _providers() -> "ProviderClient":
    from rushes.providers import adapter
    from rushes.workflow.call_counts import CallCounter
    from rushes.workflow.provider_client import ProviderClient

    upstreams, http_client = _upstreams()
    call_counter = CallCounter(aws().provider_calls, time.time)
    return ProviderClient(upstreams, http_client, aws().catalogs, adapter, call_counter)


@cache
def _upstreams() -> "tuple[ProviderSecrets, SafeHttpClient]":
    from rushes.aws.provider_auth import ProviderAuth
    from rushes.aws.secrets import ProviderSecrets
    from rushes.aws.sigv4 import RoleSigner
    from rushes.http.access_tokens import AccessTokens
    from rushes.http.client import SafeHttpClient

    settings, catalogs = aws().settings, aws().catalogs
    http_client = SafeHttpClient(aws().bucket, local_mode=settings.local_mode)
    auth = ProviderAuth(
        AccessTokens(http_client.send),
        RoleSigner(SESSION.get_credentials, SESSION.region_name or ""),
    )
    secrets_manager = client("secretsmanager")
    secrets = ProviderSecrets(secrets_manager, settings.provider_secrets, catalogs, auth)
    return secrets, http_client
