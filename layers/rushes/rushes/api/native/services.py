"""Services of the native API. `wiring` builds each at its first use."""

from typing import TYPE_CHECKING, Protocol

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


class NativeServices(Protocol):
    @property
    def jobs(self) -> "JobService": ...
    @property
    def search(self) -> "JobSearch": ...
    @property
    def catalogs(self) -> "CatalogSource": ...
    @property
    def keys(self) -> "KeyService": ...
    @property
    def accounts(self) -> "AccountService": ...
    @property
    def limits(self) -> "LimitsInUse": ...
    @property
    def audit(self) -> "AuditLog": ...
    @property
    def usage(self) -> "UsageService": ...
    @property
    def providers(self) -> "ProviderControl": ...
    @property
    def key_checks(self) -> "KeyChecks": ...
