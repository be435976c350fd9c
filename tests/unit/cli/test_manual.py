"""Every command has examples that parse, the options `--json` and `--profile`, and a help text."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.app import app
from cli.error_codes import PLACEHOLDERS, error_codes
from cli.errors import EXIT_CODES
from cli.manual import examples, leaves
from tests.unit.cli.test_app import run

COMMANDS: Mapping[str, Any] = dict(leaves(typer.main.get_command(app)))
PUBLIC = sorted(name for name in COMMANDS if not name.startswith("jobs "))
"""`rushes jobs` is `rushes job`."""
TESTS = Path(__file__).parents[2]


def parse(line: str) -> str:
    """Parse a command line as Typer does, without running it; return the command's name."""
    words = shlex.split(line)
    assert words[0] == "rushes"
    group, name = typer.main.get_command(app), ""
    rest = words[1:]
    while hasattr(group, "commands") and not rest[0].startswith("-"):
        name, group = f"{name} {rest[0]}".strip(), group.commands[rest[0]]
        rest = rest[1:]
    group.make_context(name, list(rest), resilient_parsing=False)
    return name


@pytest.mark.parametrize("name", PUBLIC)
def test_command_has_help_and_examples_that_parse(name: str):
    found = examples()[name]
    assert [parse(example.run) for example in found] == [name] * len(found)
    assert COMMANDS[name].help
    shown = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, [*name.split(), "--help"])
    assert shown.exit_code == 0
    for example in found:
        assert example.run in shown.stdout
        assert example.does in shown.stdout
    for code, meaning in EXIT_CODES.items():
        assert f"{code}  {meaning}" in shown.stdout


@pytest.mark.parametrize("name", PUBLIC)
def test_command_has_the_options_of_all(name: str):
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {"--json", "--profile"} <= options
    if {"--local", "--stack"} & options:
        assert {"--local", "--stack", "--env-file"} <= options


def test_no_example_is_of_an_unknown_command():
    assert set(examples()) - set(PUBLIC) == set()


def test_option_that_is_in_several_commands_means_the_same():
    """Its type and its number of values are the same everywhere."""
    kinds: dict[str, set[str]] = {}
    for name in PUBLIC:
        for parameter in COMMANDS[name].params:
            for option in parameter.opts:
                if option in ("--json", "--stack", "--local", "--env-file", "--profile", "--limit"):
                    kinds.setdefault(option, set()).add(f"{parameter.metavar} {parameter.multiple}")
    assert {option: len(found) for option, found in kinds.items() if len(found) != 1} == {}


def remedies() -> Iterator[tuple[str, str]]:
    known = error_codes()
    for table in (known.codes, known.pauses, known.waits, known.webhooks):
        for name, remedy in table.items():
            names = dict.fromkeys(PLACEHOLDERS, "name-of-it")
            yield from ((name, command) for command in remedy.commands_for(names))


@pytest.mark.parametrize(("name", "command"), list(remedies()))
def test_command_of_a_remedy_parses(name: str, command: str):
    assert parse(command) in PUBLIC, name


def test_remedy_has_at_most_two_commands():
    known = error_codes()
    for table in (known.codes, known.pauses, known.waits, known.webhooks):
        assert [name for name, remedy in table.items() if len(remedy.commands) > 2] == []


def texts() -> str:
    files = [*(TESTS / "unit/cli").rglob("*.py"), *(TESTS / "e2e").glob("*.py")]
    return "\n".join(file.read_text("utf-8") for file in files if file.name != "test_manual.py")


@pytest.mark.parametrize("name", PUBLIC)
def test_command_is_run_by_a_test(name: str):
    words = [re.escape(word) for word in name.split()]
    listed = '",? "'.join(words)
    in_one = " ".join(words)
    assert re.search(rf'"{listed}"|rushes {in_one}\b|"{in_one}[ "]|make {in_one}\b', TEXTS), name


TEXTS = texts()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("jb",), "No such command 'jb'"),
        (("job", "shw"), "No such command 'shw'"),
        (("job", "show"), "Missing argument 'JOB'"),
        (("job", "list", "--status", "done"), "'done' is not one of"),
        (("job", "list", "--limit", "0"), "greater than or equal to 1"),
        (("job", "show", "job_1", "--format", "x"), "No such option: --format"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], message: str):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_former_group_still_works():
    assert {name.removeprefix("jobs ") for name in COMMANDS if name.startswith("jobs ")} == {
        name.removeprefix("job ") for name in COMMANDS if name.startswith("job ")
    }
