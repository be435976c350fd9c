"""Write docs/cli.md, the reference of the `rushes` command, from the command tree.

python -m scripts.generate_cli_page [--check]
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import typer

from cli.app import app
from cli.errors import EXIT_CODES
from cli.manual import examples, leaves

FILE = Path(__file__).parents[1] / "docs/cli.md"
HEAD = """# The `rushes` command

<!-- Written by scripts/generate_cli_page.py from the commands; edit those. -->

Clients generate media with it, operators run a deployment. [Drills](drills.md) have the commands
for common troubles.

## Install

In a clone, `./rushes` installs what it needs below `.local/` and runs. Without one:

```bash
uvx --from git+$REPOSITORY rushes --help  # REPOSITORY: the URL of this repository
pipx install git+$REPOSITORY
```

`rushes --install-completion` adds completion to bash, zsh, fish or PowerShell. `up`, `demo` and
`invoke` need the clone.

## Deployments

Each command that needs a deployment takes one of these:

| option | variable | deployment |
| --- | --- | --- |
| `--stack NAME` | `RUSHES_STACK` | a stack on AWS, with the AWS credentials that boto3 finds |
| `--local` | | the local stack of this clone (`rushes up`) |
| `--env-file FILE` | | another local stack, by its `stack.env` |
| `--profile NAME` | `RUSHES_PROFILE` | a profile of `~/.config/rushes/config.toml` |

An option precedes a variable, and both precede the default profile:

```toml
default = "production"

[profiles.production]      # of an operator: reads the table and the stack with AWS credentials
stack = "rushes"
region = "eu-central-1"
aws_profile = "media"

[profiles.team]            # of a client: calls the API with its key
url = "https://rushes.example"
api_key = "rk_…"
```

Keep the file readable by you only (`chmod 600`). `rushes generate` needs an API key: of the
profile, or `RUSHES_URL` and `RUSHES_API_KEY`; `--local` has one.
With a client's profile `rushes job list`, `show`, `watch`, `cancel` and `retry` call the API, and
see the jobs of the key's account.

## Output and exit codes

With `--json` each command prints JSON to standard output. Progress, warnings and errors go to
standard error; a progress bar is drawn on a terminal
only. Changes are recorded in the audit log (`rushes audit`). Ctrl-C ends a command at any time: a
job goes on, a file is stored whole or not at all,
and commands that change many items can be repeated.

| exit code | meaning |
| --- | --- |
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="fail if the page is not current")
    text = page()
    if not arguments.parse_args().check:
        FILE.write_text(text, "utf-8")
    elif FILE.read_text("utf-8") != text:
        sys.exit(f"{FILE.name} is not current: run python -m scripts.generate_cli_page")


def page() -> str:
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    commands = dict(leaves(typer.main.get_command(app)))
    shown = {
        name: command for name, command in sorted(commands.items()) if _is_public(name, command)
    }
    return HEAD + rows + "\n" + "\n".join(_section(*each) for each in shown.items())


def _is_public(name: str, command: Any) -> bool:  # noqa: ANN401 - Typer's own click
    return not (command.hidden or name.startswith("jobs "))


def _section(name: str, command: Any) -> str:  # noqa: ANN401 - Typer's own click
    lines = [f"## rushes {name}", "", " ".join(command.help.split()), ""]
    lines += ["```bash", *(f"{one.run}  # {one.does}" for one in examples()[name]), "```", ""]
    rows = list(_rows(command))
    if rows:
        lines += ["| argument or option | |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


COMMON = {"--stack", "--local", "--env-file", "--profile", "--json", "--help"}
"""Explained once."""


def _rows(command: Any) -> Iterator[str]:  # noqa: ANN401 - Typer's own click
    for parameter in command.params:
        if COMMON & set(parameter.opts) or getattr(parameter, "hidden", False):
            continue
        is_option = parameter.param_type_name == "option"
        name = (
            ", ".join(parameter.opts) if is_option else parameter.metavar or parameter.name.upper()
        )
        text = (parameter.help or "").replace("|", "\\|")
        required = " Required." if parameter.required and is_option else ""
        default = parameter.default
        has_default = isinstance(default, str | int | float) and default not in ("", False)
        shown = f" Default: `{default}`." if has_default else ""
        yield f"| `{name}` | {text}{required}{shown} |"


if __name__ == "__main__":
    main()
