"""Names of the accounts of a deployment."""

from cli.errors import NO, CommandError
from cli.publication import Publisher
from cli.target import Target
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.errors import CorruptConfig

PAGE = 100


def account_names(target: Target) -> list[str]:
    """Return the registered accounts, and those that the configuration in force has limits for.

    An account is registered when it gets a key.
    """
    table = AccountTable(target.client("dynamodb"), target.table)
    names: list[str] = []
    has_more, after = True, None
    while has_more:
        accounts, has_more = table.page(PAGE, after)
        names += [account.name for account in accounts]
        after = names[-1] if names else None
        has_more = has_more and bool(accounts)
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
