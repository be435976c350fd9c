"""`rushes up` and `rushes demo`: the local stack, in a clone of the repository."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer

from cli.errors import CommandError
from cli.options import JsonOption
from cli.output import print_json
from cli.target import LOCAL_FILE, ROOT

READY = "ready "
VIDEO_FILE = ROOT / ".local/demo.mp4"


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8787,
    json: JsonOption = False,
) -> None:
    """Run the stack on this machine until Ctrl-C. Its state persists in .local/state.

    With --json one object is printed when the stack is ready.
    """
    command = _make("up", f"PORT={port}")
    if not json:
        _become(command)
    for line in _lines(command):
        if line.startswith(READY):
            url = line.removeprefix(READY).strip()
            print_json({"url": url, "env_file": str(LOCAL_FILE)})
            sys.stdout.flush()


def demo(json: JsonOption = False) -> None:
    """Run one job on a local stack, from the OpenAI SDK to a video file and a signed webhook."""
    command, begun = _make("demo"), time.monotonic()
    if not json:
        _become(command)
    for _ in _lines(command):
        pass
    print_json({"file": str(VIDEO_FILE), "seconds": round(time.monotonic() - begun, 1)})


def _become(command: list[str]) -> NoReturn:
    """Replace this process, so that Ctrl-C reaches the stack only."""
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606 - a list of ours


def _lines(command: list[str]) -> Iterator[str]:
    """Yield the lines of a command while it runs, and copy them to standard error.

    Raises
    ------
    CommandError
        If it fails.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            for line in process.stdout or ():
                typer.echo(line, err=True, nl=False)
                yield line
        except KeyboardInterrupt:  # the process got the signal, too, and stops the stack
            process.wait()
    if process.returncode:
        raise CommandError("the local stack failed; its output says why")


def _make(*arguments: str) -> list[str]:
    if not (ROOT / "local/stack.py").is_file():
        raise CommandError(
            "the local stack needs a clone of the repository: run ./rushes there, or `make up`"
        )
    return ["make", "--no-print-directory", "--directory", str(ROOT), *arguments]
