"""Accounts: the own one, and, for operators, all of them."""

from typing import Annotated

from pydantic import BaseModel, Field

from rushes.api.accounts.schemas import AccountChanges, NewAccount
from rushes.api.accounts.views import (
    AccountDetail,
    OperatorAccountView,
    OwnAccount,
    account_view,
    operator_account_view,
)
from rushes.api.keys.schemas import AccountName
from rushes.api.keys.views import limit_views
from rushes.api.native.resource import Call, EmptyBody, EmptyQuery, Route
from rushes.api.native.services import NativeServices
from rushes.errors import InvalidRequest, NotFound
from rushes.ports.accounts import Account
from rushes.ports.api_keys import Scope


class AccountQuery(BaseModel):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: AccountName | None = None


class AccountList(BaseModel):
    data: list[OperatorAccountView]
    next_cursor: str | None = Field(description="Value of `cursor` for the next page.")


def show_own(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> OwnAccount:
    """Return the account, also if it has keys of an older release and no record."""
    try:
        account = services.accounts.get(call.account)
    except NotFound:
        account = Account(call.account, 0.0)
    limits = limit_views(services.limits.of_account(call.account))
    return OwnAccount(**account_view(account).model_dump(), limits=limits)


def list_all(services: NativeServices, call: Call[EmptyBody, AccountQuery]) -> AccountList:
    accounts, has_more = services.accounts.page(call.query.limit, call.query.cursor)
    return AccountList(
        data=[operator_account_view(account) for account in accounts],
        next_cursor=accounts[-1].name if has_more and accounts else None,
    )


def create(services: NativeServices, call: Call[NewAccount, EmptyQuery]) -> OperatorAccountView:
    return operator_account_view(services.accounts.create(call.body, call.identity.actor))


def show(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> AccountDetail:
    account = services.accounts.get(call.variables["account"])
    limits = limit_views(services.limits.of_account(account.name))
    return AccountDetail(**operator_account_view(account).model_dump(), limits=limits)


def update(services: NativeServices, call: Call[AccountChanges, EmptyQuery]) -> OperatorAccountView:
    if not call.body.model_fields_set:
        names = ", ".join(AccountChanges.model_fields)
        raise InvalidRequest(f"body must have at least one of {names}", param="body")
    changed = services.accounts.update(call.variables["account"], call.body, call.identity.actor)
    return operator_account_view(changed)


ROUTES = (
    Route(
        "GET",
        "/account",
        Scope.READ,
        show_own,
        name="account.retrieve",
        summary="Retrieve the account of the API key, with its limits and what is used of them",
        response=OwnAccount,
    ),
    Route(
        "GET",
        "/admin/accounts",
        Scope.ADMIN,
        list_all,
        name="admin.accounts.list",
        summary="List the accounts",
        response=AccountList,
        query=AccountQuery,
    ),
    Route(
        "POST",
        "/admin/accounts",
        Scope.ADMIN,
        create,
        name="admin.accounts.create",
        summary="Create an account",
        response=OperatorAccountView,
        body=NewAccount,
        status=201,
    ),
    Route(
        "GET",
        "/admin/accounts/<account>",
        Scope.ADMIN,
        show,
        name="admin.accounts.retrieve",
        summary="Retrieve an account with its limits and what is used of them",
        response=AccountDetail,
    ),
    Route(
        "PATCH",
        "/admin/accounts/<account>",
        Scope.ADMIN,
        update,
        name="admin.accounts.update",
        summary="Change, disable or enable an account",
        response=OperatorAccountView,
        body=AccountChanges,
    ),
)
