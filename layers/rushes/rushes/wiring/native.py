"""Objects of the native API, each built at its first use."""

import time
from functools import cached_property
from typing import TYPE_CHECKING

from rushes.wiring import api
from rushes.wiring.aws import aws

if TYPE_CHECKING:
    from rushes.api.accounts.account_service import AccountService
    from rushes.api.accounts.limits_in_use import LimitsInUse
    from rushes.api.job_service import JobService
    from rushes.api.keys.key_service import KeyService
    from rushes.api.provider_control.key_check import KeyChecks
    from rushes.api.provider_control.service import ProviderControl
    from rushes.api.usage.service import UsageService
    from rushes.catalog.source import CatalogSource
    from rushes.ports.audit import AuditLog
    from rushes.ports.search import JobSearch


class Services:
    """Implements `NativeServices`."""

    @cached_property
    def jobs(self) -> "JobService":
        return api.jobs_api().service

    @cached_property
    def search(self) -> "JobSearch":
        return aws().job_search

    @cached_property
    def catalogs(self) -> "CatalogSource":
        return aws().catalogs

    @cached_property
    def keys(self) -> "KeyService":
        from rushes.api.keys.key_service import KeyService

        return KeyService(aws().key_registry, time.time)

    @cached_property
    def accounts(self) -> "AccountService":
        from rushes.api.accounts.account_service import AccountService

        return AccountService(aws().accounts, time.time)

    @cached_property
    def limits(self) -> "LimitsInUse":
        from rushes.api.accounts.limits_in_use import LimitsInUse

        return LimitsInUse(aws().catalogs, aws().limits, time.time, api.default_limits())

    @cached_property
    def usage(self) -> "UsageService":
        from rushes.api.usage.service import UsageService

        return UsageService(self.search, aws().accounts, time.time)

    @cached_property
    def providers(self) -> "ProviderControl":
        from rushes.api.provider_control.service import ProviderControl

        return ProviderControl(
            aws().rate_limits,
            aws().provider_calls,
            aws().jobs,
            aws().catalogs,
            aws().audit,
            time.time,
        )

    @cached_property
    def key_checks(self) -> "KeyChecks":
        from rushes.api.provider_control.key_check import KeyChecks

        return KeyChecks(self.providers, aws().poll_function)

    @cached_property
    def audit(self) -> "AuditLog":
        return aws().audit
