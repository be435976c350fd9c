"""Parts of a stored job: a rollback to this release loses nothing that a newer one wrote."""

from enum import StrEnum
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

Member = TypeVar("Member", bound=StrEnum)


class StoredModel(BaseModel):
    """Preserves unknown fields."""

    model_config = ConfigDict(frozen=True, extra="allow")


def or_unknown(kind: type[StrEnum]) -> WrapValidator:
    """Accept a text that is no value of `kind`, and store it unchanged."""

    def read(value: Any, known: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - any input
        try:
            return known(value)
        except ValidationError:
            if isinstance(value, str) and value:
                return _unknown_member(kind, value)
            raise

    return WrapValidator(read)


def is_known(member: StrEnum) -> bool:
    return member.name in type(member).__members__


def _unknown_member(kind: type[Member], value: str) -> Member:
    """Return a member that equals no other one and is written as `value`."""
    member = str.__new__(kind, value)
    member._value_ = value
    member._name_ = f"unknown value {value}"
    return member
