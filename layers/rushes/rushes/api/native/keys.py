"""API keys: those of the own account, and, for operators, those of all accounts."""

from typing import Annotated

from pydantic import BaseModel, Field

from rushes.api.keys.schemas import AccountName, KeyChanges, NewKey, Rotation
from rushes.api.keys.views import (
    CreatedKeyView,
    KeyDetail,
    KeyView,
    OperatorKeyView,
    RotatedKeyView,
    key_view,
    limit_views,
    operator_key_view,
)
from rushes.api.native.resource import Call, EmptyBody, EmptyQuery, Route
from rushes.api.native.services import NativeServices
from rushes.errors import InvalidRequest
from rushes.ports.api_keys import ApiKey, Scope

Limit = Annotated[int, Field(ge=1, le=100)]


class KeyQuery(BaseModel):
    limit: Limit = 50
    cursor: Annotated[str, Field(max_length=64)] | None = None


class OperatorKeyQuery(KeyQuery):
    account: AccountName


class KeyList(BaseModel):
    data: list[KeyView]
    next_cursor: str | None = Field(description="Value of `cursor` for the next page.")


class OperatorKeyList(BaseModel):
    data: list[OperatorKeyView]
    next_cursor: str | None = Field(description="Value of `cursor` for the next page.")


def list_own(services: NativeServices, call: Call[EmptyBody, KeyQuery]) -> KeyList:
    keys, has_more = services.keys.page(call.account, call.query.limit, call.query.cursor)
    now = services.keys.clock()
    return KeyList(
        data=[key_view(key, now) for key in keys], next_cursor=_next(keys, has_more=has_more)
    )


def show_own(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> KeyView:
    return key_view(
        services.keys.get(call.variables["key_id"], call.account), services.keys.clock()
    )


def list_all(services: NativeServices, call: Call[EmptyBody, OperatorKeyQuery]) -> OperatorKeyList:
    query, now = call.query, services.keys.clock()
    keys, has_more = services.keys.page(query.account, query.limit, query.cursor)
    return OperatorKeyList(
        data=[operator_key_view(key, now) for key in keys],
        next_cursor=_next(keys, has_more=has_more),
    )


def create(services: NativeServices, call: Call[NewKey, EmptyQuery]) -> CreatedKeyView:
    created = services.keys.create(call.body, call.identity.actor)
    view = operator_key_view(created.key, services.keys.clock())
    return CreatedKeyView(**view.model_dump(), key=created.secret)


def show(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> KeyDetail:
    key = services.keys.get(call.variables["key_id"])
    limits = services.limits.of_key(key.account, key.limits_id)
    view = operator_key_view(key, services.keys.clock())
    return KeyDetail(**view.model_dump(), limits=limit_views(limits))


def update(services: NativeServices, call: Call[KeyChanges, EmptyQuery]) -> OperatorKeyView:
    if not call.body.model_fields_set:
        names = ", ".join(KeyChanges.model_fields)
        raise InvalidRequest(f"body must have at least one of {names}", param="body")
    changed = services.keys.update(call.variables["key_id"], call.body, call.identity.actor)
    return operator_key_view(changed, services.keys.clock())


def rotate(services: NativeServices, call: Call[Rotation, EmptyQuery]) -> RotatedKeyView:
    created = services.keys.rotate(call.variables["key_id"], call.body, call.identity.actor)
    now = services.keys.clock()
    return RotatedKeyView(
        **operator_key_view(created.key, now).model_dump(),
        key=created.secret,
        replaces=operator_key_view(created.replaced or created.key, now),
    )


def revoke(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> OperatorKeyView:
    revoked = services.keys.revoke(call.variables["key_id"], call.identity.actor)
    return operator_key_view(revoked, services.keys.clock())


def _next(keys: tuple[ApiKey, ...], *, has_more: bool) -> str | None:
    return keys[-1].key_id if has_more and keys else None


ROUTES = (
    Route(
        "GET",
        "/keys",
        Scope.READ,
        list_own,
        name="keys.list",
        summary="List the API keys of the account",
        response=KeyList,
        query=KeyQuery,
    ),
    Route(
        "GET",
        "/keys/<key_id>",
        Scope.READ,
        show_own,
        name="keys.retrieve",
        summary="Retrieve an API key of the account",
        response=KeyView,
    ),
    Route(
        "GET",
        "/admin/keys",
        Scope.ADMIN,
        list_all,
        name="admin.keys.list",
        summary="List the API keys of an account",
        response=OperatorKeyList,
        query=OperatorKeyQuery,
    ),
    Route(
        "POST",
        "/admin/keys",
        Scope.ADMIN,
        create,
        name="admin.keys.create",
        summary="Create an API key for an account",
        response=CreatedKeyView,
        body=NewKey,
        status=201,
        has_secret=True,
    ),
    Route(
        "GET",
        "/admin/keys/<key_id>",
        Scope.ADMIN,
        show,
        name="admin.keys.retrieve",
        summary="Retrieve an API key with its limits",
        response=KeyDetail,
    ),
    Route(
        "PATCH",
        "/admin/keys/<key_id>",
        Scope.ADMIN,
        update,
        name="admin.keys.update",
        summary="Change the name, scopes, models or expiry of an API key",
        response=OperatorKeyView,
        body=KeyChanges,
    ),
    Route(
        "POST",
        "/admin/keys/<key_id>/rotate",
        Scope.ADMIN,
        rotate,
        name="admin.keys.rotate",
        summary="Create a key in place of another one, which stays valid for the overlap",
        response=RotatedKeyView,
        body=Rotation,
        status=201,
        has_secret=True,
    ),
    Route(
        "POST",
        "/admin/keys/<key_id>/revoke",
        Scope.ADMIN,
        revoke,
        name="admin.keys.revoke",
        summary="Revoke an API key within 5 seconds",
        response=OperatorKeyView,
    ),
)
