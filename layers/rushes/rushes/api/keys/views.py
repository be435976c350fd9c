"""API keys in responses of the native API and in the JSON output of the command line."""

from typing import Literal

from pydantic import BaseModel, Field

from rushes.api.accounts.limits_in_use import LimitInUse
from rushes.api.keys.schemas import ALL_MODELS
from rushes.jobs.times import utc_text
from rushes.ports.api_keys import ApiKey

Status = Literal["active", "expired", "revoked"]


class KeyView(BaseModel):
    """An API key, without its secret part."""

    id: str = Field(description="Public id: the part between `rk_` and the next `_`.")
    name: str
    status: Status
    scopes: list[str]
    models: list[str] = Field(description="Names or patterns of models and aliases; `*`: all.")
    created_at: str = Field(description="Times are in ISO 8601, in UTC.")
    expires_at: str | None
    last_used_at: str | None = Field(description="Written at most once an hour.")
    revoked_at: str | None
    replaced_by: str | None = Field(description="Id of the key that a rotation made in its place.")


class LimitView(BaseModel):
    """A limit and what is used of it: dollars of a budget, or jobs."""

    limit: str = Field(description="Name in `[limits]` of rushes.toml, such as `daily_dollars`.")
    maximum: float | None = Field(description="null: no limit is set.")
    used: float | None
    settled: float | None = Field(description="Of a budget: what finished jobs have cost.")
    reserved: float | None = Field(description="Of a budget: what open jobs may cost at most.")
    resets_at: str | None


class OperatorKeyView(KeyView):
    """An API key, as operators see it."""

    account: str
    created_by: str = Field(description="Actor, as in the audit log; empty if unknown.")


class KeyDetail(OperatorKeyView):
    limits: list[LimitView] = Field(description="Its own limits, besides those of the account.")


class CreatedKeyView(OperatorKeyView):
    key: str = Field(description="The key itself. It is not stored and cannot be read again.")


class RotatedKeyView(CreatedKeyView):
    replaces: OperatorKeyView = Field(description="The old key, valid until its `expires_at`.")


def key_view(key: ApiKey, now: float) -> KeyView:
    return KeyView(
        id=key.key_id,
        name=key.name,
        status=status_of(key, now),
        scopes=sorted(key.scopes),
        models=[ALL_MODELS] if key.models is None else sorted(key.models),
        created_at=iso_time(key.created_at) or "",
        expires_at=iso_time(key.expires_at),
        last_used_at=iso_time(key.last_used_at),
        revoked_at=iso_time(key.revoked_at),
        replaced_by=key.replaced_by,
    )


def operator_key_view(key: ApiKey, now: float) -> OperatorKeyView:
    return OperatorKeyView(
        **key_view(key, now).model_dump(), account=key.account, created_by=key.created_by
    )


def limit_views(limits: tuple[LimitInUse, ...]) -> list[LimitView]:
    return [LimitView(**vars(limit)) for limit in limits]


def status_of(key: ApiKey, now: float) -> Status:
    if key.revoked:
        return "revoked"
    return "expired" if key.is_expired(now) else "active"


def iso_time(at: float | None) -> str | None:
    return None if at is None else utc_text(at)
