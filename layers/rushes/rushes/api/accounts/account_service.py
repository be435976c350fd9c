"""Create, list, change, disable and enable accounts. Each change has an audit entry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rushes.api.accounts.schemas import AccountChanges, NewAccount
from rushes.api.keys.schemas import ACCOUNT
from rushes.api.paging import entries_of
from rushes.errors import AccountExists, NotFound
from rushes.ports import Clock
from rushes.ports.accounts import Account, Accounts
from rushes.ports.audit import AuditEntry

PAGE = 100
"""Accounts that one request reads."""
TEXTS = ("display_name", "contact", "notes")


@dataclass(frozen=True)
class AccountService:
    """`actor` of a change is the operator, as the audit log names it."""

    accounts: Accounts
    clock: Clock

    def create(self, request: NewAccount, actor: str) -> Account:
        """Create the record of an account; one that has keys of an older release may lack it.

        Raises
        ------
        AccountExists
        """
        now = self.clock()
        texts = {name: getattr(request, name) for name in TEXTS}
        account = Account(request.account, now, **texts)
        entry = _entry(now, actor, "account.create", account.name, texts)
        if not self.accounts.create(account, entry):
            raise AccountExists(f"account {account.name} exists already", param="account")
        return account

    def get(self, name: str) -> Account:
        """Return an account.

        Raises
        ------
        NotFound
        """
        found = self.accounts.get(name) if ACCOUNT.fullmatch(name) else None
        if found is None:
            raise NotFound(f"account {name[:80]} not found", param="account")
        return found

    def page(self, limit: int, after: str | None = None) -> tuple[tuple[Account, ...], bool]:
        return self.accounts.page(limit, after)

    def all(self) -> Iterator[Account]:
        return entries_of(lambda after: self.page(PAGE, after), lambda account: account.name)

    def update(self, name: str, changes: AccountChanges, actor: str) -> Account:
        now, fields = self.clock(), changes.model_dump(include=set(TEXTS), exclude_none=True)
        self.get(name)

        def change(account: Account) -> Account:
            disabled_at = account.disabled_at
            if changes.disabled is not None:
                disabled_at = (disabled_at or now) if changes.disabled else None
            return replace(account, **fields, disabled_at=disabled_at)

        action = "account.update"
        if changes.disabled is not None:
            action = "account.disable" if changes.disabled else "account.enable"
        return self.accounts.change(name, change, _entry(now, actor, action, name, fields))


def _entry(now: float, actor: str, action: str, name: str, detail: Mapping[str, Any]) -> AuditEntry:
    given = {field: text for field, text in detail.items() if text}
    return AuditEntry(now, actor, action, f"account:{name}", given)
