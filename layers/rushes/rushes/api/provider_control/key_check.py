"""Test a provider on an operator's request."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from rushes.api.provider_control.service import ProviderControl
from rushes.api.provider_control.views import View
from rushes.ports.audit import AuditEntry
from rushes.ports.provider_checks import ProviderChecks


class KeyCheckView(View):
    provider: str
    key: Literal["accepted", "rejected", "unclear"]
    reason: str = Field(description="HTTP status or error of the provider's reply.")


@dataclass(frozen=True)
class KeyChecks:
    """Polls a job that does not exist: the reply shows whether the key is accepted, for free."""

    control: ProviderControl
    checks: ProviderChecks

    def check(self, name: str, actor: str) -> KeyCheckView:
        """Send the request, also while the provider is paused.

        Raises
        ------
        NotFound
        """
        self.control.check_name(name)
        now = self.control.clock()
        self.control.audit.record(AuditEntry(now, actor, "provider.test", f"provider:{name}"))
        result = self.checks.check(name)
        return KeyCheckView(provider=name, key=result.status, reason=result.reason)
