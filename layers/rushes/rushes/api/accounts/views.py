"""Accounts in responses of the native API and in the JSON output of the command line."""

from pydantic import BaseModel, Field

from rushes.api.keys.views import LimitView, iso_time
from rushes.ports.accounts import Account


class AccountView(BaseModel):
    """An account, as its own keys see it."""

    account: str
    display_name: str
    contact: str
    created_at: str = Field(description="Times are in ISO 8601, in UTC.")
    disabled_at: str | None = Field(description="Since when the account creates no jobs.")


class OwnAccount(AccountView):
    limits: list[LimitView]


class OperatorAccountView(AccountView):
    """An account, as operators see it."""

    notes: str


class AccountDetail(OperatorAccountView):
    limits: list[LimitView]


def account_view(account: Account) -> AccountView:
    return AccountView(
        account=account.name,
        display_name=account.display_name,
        contact=account.contact,
        created_at=iso_time(account.created_at) or "",
        disabled_at=iso_time(account.disabled_at),
    )


def operator_account_view(account: Account) -> OperatorAccountView:
    return OperatorAccountView(**account_view(account).model_dump(), notes=account.notes)
