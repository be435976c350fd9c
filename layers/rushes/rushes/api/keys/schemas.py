"""Requests about API keys."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rushes.dialects.validation import StrictModel, shown
from rushes.ports.api_keys import Scope

MAX_NAME = 80
MAX_MODELS = 50
MAX_DAYS = 3650
"""Until a key expires."""
MAX_OVERLAP_HOURS = 720.0
DEFAULT_OVERLAP_HOURS = 24.0
ALL_MODELS = "*"
NEVER = "never"
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
KEY_ID = re.compile(r"[0-9a-f]{16}")
MODEL = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9._:/*?-]{0,127}")


def _account(text: str) -> str:
    if not ACCOUNT.fullmatch(text):
        raise ValueError(
            f"an account is up to 63 lower-case letters, digits and hyphens (got {shown(text)})"
        )
    return text


def one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it must be one line of printable characters")
    return text.strip()


def _model(text: str) -> str:
    if not MODEL.fullmatch(text):
        raise ValueError(
            "a model is a name of up to 128 letters, digits and . _ : / - in which * and ? match"
            f" any characters (got {shown(text)})"
        )
    return text


def _expiry(text: str) -> str:
    try:
        is_valid = text == NEVER or datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(
            "it must be a time with a time zone in ISO 8601, such as 2027-01-31T00:00:00Z, or"
            f" {NEVER} (got {shown(text)})"
        )
    return text


AccountName = Annotated[str, AfterValidator(_account)]
Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(one_line)]
Scopes = Annotated[
    tuple[Literal["submit", "read", "webhooks", "admin"], ...], Field(min_length=1, max_length=4)
]
Models = Annotated[
    tuple[Annotated[str, AfterValidator(_model)], ...],
    Field(min_length=1, max_length=MAX_MODELS, fail_fast=True),
]
Expiry = Annotated[str, Field(max_length=40), AfterValidator(_expiry)]
"""A time in ISO 8601 with its time zone, or `never`."""


class NewKey(StrictModel):
    """A key to create."""

    account: AccountName
    name: Name = ""
    scopes: Scopes = ("submit", "read", "webhooks")
    models: Models = (ALL_MODELS,)
    """Names or patterns of models and aliases."""
    expires_at: Expiry = NEVER


class KeyChanges(StrictModel):
    """Changes of a key; absent fields stay."""

    name: Name | None = None
    scopes: Scopes | None = None
    models: Models | None = None
    expires_at: Expiry | None = None


class Rotation(StrictModel):
    """Replacement of a key by a new one; both are valid for the overlap."""

    overlap_hours: Annotated[float, Field(ge=0, le=MAX_OVERLAP_HOURS, allow_inf_nan=False)] = (
        DEFAULT_OVERLAP_HOURS
    )


def scopes_of(scopes: tuple[str, ...]) -> frozenset[Scope]:
    return frozenset(map(Scope, scopes))


def models_of(models: tuple[str, ...]) -> frozenset[str] | None:
    """Return None for all models."""
    return None if ALL_MODELS in models else frozenset(models)
