"""AWS clients and adapters, each built once per process."""

import time
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config

from rushes.aws.config_store import ConfigStore
from rushes.aws.dynamodb.account_slots import AccountSlotTable
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.budgets import LimitTable
from rushes.aws.dynamodb.counters import CounterTable
from rushes.aws.dynamodb.durations import TimingTable
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.dynamodb.provider_limits import RateLimitTable
from rushes.aws.eventbridge import EventBus
from rushes.aws.published_catalogs import PublishedCatalogs
from rushes.aws.s3 import Bucket
from rushes.aws.step_functions import StateMachine
from rushes.config import Settings, settings

if TYPE_CHECKING:
    from rushes.aws.dynamodb.audit import AuditTable
    from rushes.aws.dynamodb.job_search import JobSearchTable
    from rushes.aws.dynamodb.key_registry import KeyRegistryTable
    from rushes.aws.dynamodb.provider_calls import ProviderCallTable
    from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
    from rushes.aws.lambda_functions import PollFunction
    from rushes.aws.sqs import WebhookQueues
    from rushes.webhooks.signing_secrets import SigningSecrets

SESSION = boto3.session.Session()
RETRIES = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=20
)
NO_OVERRIDES = Config()
CONFIG_CALLS = Config(
    retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=5
)
"""Requests wait for these reads, and the version in force is used if they fail."""


def s3_config(*, local_mode: bool) -> Config:
    """Configure S3 for presigned URLs with the regional host name.

    The global host name redirects for a new bucket, which breaks signatures. The local engine
    resolves no bucket host names and needs path style.
    """
    style: Literal["path", "virtual"] = "path" if local_mode else "virtual"
    return RETRIES.merge(
        Config(
            signature_version="s3v4",
            request_checksum_calculation="when_required",  # a stream can be read only once
            s3={"addressing_style": style, "payload_signing_enabled": False},
            read_timeout=120,
        )
    )


@cache
def client(service: str, config: Config = RETRIES) -> Any:  # noqa: ANN401 - stubs have one type per service
    make: Any = SESSION.client
    return make(service, config=config)


@dataclass(frozen=True)
class Aws:
    """Adapters, each built at its first use."""

    settings: Settings
    overrides: Config = NO_OVERRIDES
    """Timeouts and retries of all clients that differ from `RETRIES`."""

    @cached_property
    def _config(self) -> Config:
        return RETRIES.merge(self.overrides)

    @cached_property
    def _dynamodb(self) -> Any:  # noqa: ANN401 - as `client`
        return client("dynamodb", self._config)

    @cached_property
    def jobs(self) -> JobTable:
        return JobTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def job_search(self) -> "JobSearchTable":
        from rushes.aws.dynamodb.job_search import JobSearchTable

        return JobSearchTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def api_keys(self) -> KeyTable:
        return KeyTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def accounts(self) -> AccountTable:
        return AccountTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def key_registry(self) -> "KeyRegistryTable":
        from rushes.aws.dynamodb.key_registry import KeyRegistryTable

        return KeyRegistryTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def audit(self) -> "AuditTable":
        from rushes.aws.dynamodb.audit import AuditTable

        return AuditTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def counters(self) -> CounterTable:
        return CounterTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def limits(self) -> LimitTable:
        return LimitTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def timings(self) -> TimingTable:
        return TimingTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def rate_limits(self) -> RateLimitTable:
        return RateLimitTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def provider_calls(self) -> "ProviderCallTable":
        from rushes.aws.dynamodb.provider_calls import ProviderCallTable

        return ProviderCallTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def account_slots(self) -> AccountSlotTable:
        return AccountSlotTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def endpoints(self) -> "EndpointTable":
        from rushes.aws.dynamodb.webhooks import EndpointTable

        return EndpointTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def deliveries(self) -> "DeliveryTable":
        from rushes.aws.dynamodb.webhooks import DeliveryTable

        return DeliveryTable(self._dynamodb, self.settings.table_name)

    @cached_property
    def signing_secrets(self) -> "SigningSecrets":
        from rushes.aws.webhook_cipher import WebhookCipher
        from rushes.webhooks.signing_secrets import SigningSecrets

        secrets_manager = partial(client, "secretsmanager", self._config)
        cipher = WebhookCipher(secrets_manager, self.settings.webhook_key)
        return SigningSecrets(self.endpoints, cipher)

    @cached_property
    def bucket(self) -> Bucket:
        config = s3_config(local_mode=self.settings.local_mode).merge(self.overrides)
        s3 = client("s3", config)
        return Bucket(s3, self.settings.bucket_name, self.settings.output_bytes)

    @cached_property
    def catalogs(self) -> PublishedCatalogs:
        config = s3_config(local_mode=self.settings.local_mode).merge(CONFIG_CALLS)
        store = ConfigStore(partial(client, "s3", config), self.settings.bucket_name)
        return PublishedCatalogs(store, time.monotonic)

    @cached_property
    def executions(self) -> StateMachine:
        return StateMachine(client("stepfunctions", self._config), self.settings.state_machine_arn)

    @cached_property
    def bus(self) -> EventBus:
        return EventBus(client("events", self._config), self.settings.bus_name)

    @cached_property
    def poll_function(self) -> "PollFunction":
        from rushes.aws.lambda_functions import READ_SECONDS, PollFunction

        once = Config(retries={"total_max_attempts": 1}, read_timeout=READ_SECONDS)
        invoker = client("lambda", self._config.merge(once))
        return PollFunction(invoker, self.settings.poll_function)

    @cached_property
    def webhook_queues(self) -> "WebhookQueues":
        from rushes.aws.sqs import WebhookQueues

        return WebhookQueues(
            client("sqs", self._config),
            deliveries=self.settings.deliveries_queue_url,
            events=self.settings.events_queue_url,
        )


@cache
def aws() -> Aws:
    return Aws(settings())
