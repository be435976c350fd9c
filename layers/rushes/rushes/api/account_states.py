"""Whether accounts may create jobs: their records, cached for seconds."""

import time
from collections.abc import Callable
from typing import Protocol

from rushes.errors import AccountDisabled
from rushes.ports.accounts import Account

CACHE_TTL = 5.0
"""Seconds for which a warm function creates jobs of an account after it was disabled."""
MAX_ACCOUNTS = 10_000
"""In the function's memory."""


class ReadAccount(Protocol):
    def get(self, name: str) -> Account | None: ...


class AccountStates:
    def __init__(
        self, accounts: ReadAccount, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = accounts
        self._monotonic = monotonic
        self._cache: dict[str, tuple[float, bool]] = {}

    def require_enabled(self, name: str) -> None:
        """Raise AccountDisabled if the operator has disabled the account.

        An account without a record, of an older release, is enabled.
        """
        if self._is_disabled(name):
            raise AccountDisabled(
                f"account {name} is disabled and creates no jobs; its jobs and files can be read",
                param="authorization",
            )

    def _is_disabled(self, name: str) -> bool:
        now = self._monotonic()
        read_at, is_disabled = self._cache.get(name, (float("-inf"), False))
        if now - read_at >= CACHE_TTL:
            account = self._accounts.get(name)
            is_disabled = account is not None and account.disabled_at is not None
            if len(self._cache) >= MAX_ACCOUNTS:
                self._cache.clear()
            self._cache[name] = (now, is_disabled)
        return is_disabled
