"""Profiles of deployments: `~/.config/rushes/config.toml`.

    default = "production"

    [profiles.production]
    stack = "rushes"
    region = "eu-central-1"
    aws_profile = "media"

    [profiles.team]
    url = "https://rushes.example"
    api_key = "rk_…"

A profile with a stack is an operator's, one with a URL and an API key a client's; it may be both.
"""

import os
import tomllib
from contextvars import ContextVar
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cli.errors import CommandError
from cli.output import warn

VARIABLE = "RUSHES_PROFILE"
OTHERS = 0o077
"""Permissions of the file's group and of all users."""
CHOSEN: ContextVar[str | None] = ContextVar("profile", default=None)
"""Name given by `--profile` or `RUSHES_PROFILE`, of the command that runs."""


class Profile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str | None = None
    local: bool = False
    region: str | None = None
    aws_profile: str | None = None
    url: str | None = None
    api_key: str | None = Field(default=None, repr=False)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    default: str | None = None
    profiles: dict[str, Profile] = Field(default_factory=dict)


NO_PROFILE = Profile()


def config_file() -> Path:
    """Return the file's place by the XDG base directory specification."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "rushes/config.toml"


def find_profile() -> Profile:
    """Return the chosen profile, the default one, or an empty one.

    Raises
    ------
    CommandError
        If the file is invalid, or lacks the chosen profile.
    """
    path, chosen = config_file(), CHOSEN.get()
    if not path.is_file():
        if chosen:
            raise CommandError(f"profile {chosen!r} is unknown: {path} does not exist")
        return NO_PROFILE
    file = _read(path)
    if any(each.api_key for each in file.profiles.values()) and path.stat().st_mode & OTHERS:
        warn(f"{path} has API keys, and others can read it: chmod 600 {path}")
    name = chosen or file.default
    if name is None:
        return NO_PROFILE
    if name not in file.profiles:
        known = ", ".join(sorted(file.profiles)) or "none"
        raise CommandError(f"profile {name!r} is unknown: {path} has {known}")
    return file.profiles[name]


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise CommandError(f"{path}: {place}: {first['msg']}") from None
