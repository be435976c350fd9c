"""Causes and remedies: of error codes, pauses, waits, and disabled webhook endpoints."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).with_name("error_codes.toml")


class Remedy(BaseModel):
    """`operator` says what the operator does, `commands` how, with placeholders in braces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cause: str
    operator: str
    commands: tuple[str, ...]

    def commands_for(self, names: Mapping[str, str], target: Sequence[str] = ()) -> list[str]:
        """Return the commands with their placeholders filled in, for the deployment `target`.

        A name that is not known stays in capitals.
        """
        known = {name: name.upper() for name in PLACEHOLDERS} | dict(names)
        return [" ".join([command.format_map(known), *target]) for command in self.commands]


class ErrorCode(Remedy):
    where: tuple[Literal["request", "job", "wait"], ...]
    http_status: int | None = None
    """Of a response; the error of a job has none."""
    client: str


class ErrorCodes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: Mapping[str, ErrorCode]
    pauses: Mapping[str, Remedy]
    waits: Mapping[str, Remedy]
    webhooks: Mapping[str, Remedy]


PLACEHOLDERS = ("job", "account", "provider", "model", "key", "endpoint")
UNKNOWN = Remedy(
    cause="This release does not explain the code.",
    operator="Read the message; report the code.",
    commands=(),
)


@cache
def error_codes() -> ErrorCodes:
    return ErrorCodes.model_validate(tomllib.loads(FILE.read_text("utf-8")))
