"""What every command has: examples and exit codes in its help, and the option `--profile`."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.markup import escape
from typer.core import TyperGroup
from typing_extensions import override

from cli.errors import EXIT_CODES
from cli.profiles import CHOSEN, VARIABLE

NO_METRICS = "POWERTOOLS_METRICS_DISABLED"
FILE = Path(__file__).with_name("examples.toml")


class Example(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    does: str


@cache
def examples() -> Mapping[str, tuple[Example, ...]]:
    """Return the examples by the command's name, such as `job show`."""
    tables = tomllib.loads(FILE.read_text("utf-8"))
    return {name: tuple(map(Example.model_validate, found)) for name, found in tables.items()}


class Root(TyperGroup):
    """The command `rushes`. It completes all commands below it."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - those of TyperGroup
        super().__init__(**attributes)
        self.epilog = _section("Exit codes", _exit_codes())
        option = _profile_option()
        for name, command in leaves(self):
            command.params.append(option)
            command.epilog = _epilog(examples().get(name, ()))

    @override
    def invoke(self, ctx: Any) -> Any:
        CHOSEN.set(None)
        try:
            with _without_metrics():
                return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = _refusal(error.__cause__)
            raise


def _refusal(error: ValidationError) -> str:
    """Return the message of an invalid option, which names the value."""
    first = error.errors(include_url=False)[0]
    message, value = first["msg"].removeprefix("Value error, "), repr(first["input"])
    return message if value in message else f"{message} (got {value[:80]})"


@contextmanager
def _without_metrics() -> Iterator[None]:
    """Keep the functions' metrics out of the output: Powertools prints them."""
    before = os.environ.get(NO_METRICS)
    os.environ[NO_METRICS] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[NO_METRICS]
        else:
            os.environ[NO_METRICS] = before


def leaves(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - Typer's own click
    """Yield the commands below a group with their names: hidden ones, and groups that run, too."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from leaves(command, f"{prefix}{name} ")
            if command.invoke_without_command:
                yield f"{prefix}{name}", command
        else:
            yield f"{prefix}{name}", command


def _epilog(found: tuple[Example, ...]) -> str:
    shown = _section("Examples", [text for one in found for text in (one.run, f"    {one.does}")])
    return f"{shown}\n\n{_section('Exit codes', _exit_codes())}"


def _exit_codes() -> list[str]:
    return [f"{code}  {meaning}" for code, meaning in EXIT_CODES.items()]


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"[bold]{title}[/]", *(f"  {escape(line)}" for line in lines)])


def _choose(name: str | None) -> str | None:
    if name is not None:
        CHOSEN.set(name)
    return name


def _profile_option() -> Any:  # noqa: ANN401 - a parameter of Typer's own click
    """Return an option that sets `CHOSEN`; the commands do not receive its value."""
    app = typer.Typer()

    @app.command()
    def command(
        profile: Annotated[
            str | None,
            typer.Option(
                "--profile",
                envvar=VARIABLE,
                callback=_choose,
                expose_value=False,
                metavar="NAME",
                help="Deployment of ~/.config/rushes/config.toml.",
            ),
        ] = None,
    ) -> None:
        del profile

    return typer.main.get_command(app).params[0]
