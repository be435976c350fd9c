"""Services of the native API, on the operator's own AWS credentials."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cli.budgets import default_limits
from cli.errors import FAILED, NO, CommandError
from cli.publication import Publisher
from cli.target import Target
from rushes.api.accounts.account_service import AccountService
from rushes.api.accounts.limits_in_use import LimitsInUse
from rushes.api.keys.key_service import KeyService
from rushes.api.provider_control.service import ProviderControl
from rushes.api.usage.service import UsageService
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.aws.dynamodb.audit import AuditTable
from rushes.aws.dynamodb.budgets import LimitTable
from rushes.aws.dynamodb.job_search import JobSearchTable
from rushes.aws.dynamodb.key_registry import KeyRegistryTable
from rushes.aws.dynamodb.provider_calls import ProviderCallTable
from rushes.aws.dynamodb.provider_limits import RateLimitTable
from rushes.aws.published_catalogs import PublishedCatalogs
from rushes.errors import ClientError, InvalidRequest


def key_service(target: Target) -> KeyService:
    return KeyService(KeyRegistryTable(target.client("dynamodb"), target.table), time.time)


def account_service(target: Target) -> AccountService:
    return AccountService(AccountTable(target.client("dynamodb"), target.table), time.time)


def limits_in_use(target: Target) -> LimitsInUse:
    usage = LimitTable(target.client("dynamodb"), target.table)
    return LimitsInUse(Publisher(target.store, ""), usage, time.time, default_limits(target))


def provider_control(target: Target) -> ProviderControl:
    client = target.client("dynamodb")
    return ProviderControl(
        RateLimitTable(client, target.table),
        ProviderCallTable(client, target.table),
        target.jobs,
        PublishedCatalogs(target.store, time.monotonic),
        AuditTable(client, target.table),
        time.time,
    )


def job_search(target: Target) -> JobSearchTable:
    return JobSearchTable(target.client("dynamodb"), target.table)


def usage_service(target: Target) -> UsageService:
    accounts = AccountTable(target.client("dynamodb"), target.table)
    return UsageService(job_search(target), accounts, time.time)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn an unknown key and the like into the exit code 1, and an invalid value into 2."""
    try:
        yield
    except InvalidRequest as error:
        raise CommandError(error.message, FAILED) from None
    except ClientError as error:
        raise CommandError(error.message, NO) from None
