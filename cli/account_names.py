"""Names of the accounts of a deployment."""

import time

from cli.errors import NO, CommandError
from cli.publication import Publisher
from cli.target import Target
from rushes.api.accounts.account_service import AccountService
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.errors import CorruptConfig


def account_names(target: Target) -> list[str]:
    """Return the registered accounts, and those that the configuration in force has limits for.

    An account is registered when it gets a key.
    """
    accounts = AccountService(AccountTable(target.client("dynamodb"), target.table), time.time)
    names = [account.name for account in accounts.all()]
    return list(dict.fromkeys([*names, *_configured(target)]))


def check_account(target: Target, account: str) -> None:
    """Refuse a name of no account: an empty list would hide a typing error.

    Raises
    ------
    CommandError
    """
    if account not in account_names(target):
        raise CommandError(
            f"account {account[:80]!r} not found: `rushes account list` lists the accounts,"
            " `rushes account adopt` adds those of older releases",
            NO,
        )


def _configured(target: Target) -> list[str]:
    try:
        return sorted(Publisher(target.store, "").current().catalog.limits.accounts)
    except CorruptConfig:
        return []
