"""`python -m local.up`: the local stack in the foreground, until Ctrl-C.

Its state is kept in .local/state, and what a shell needs to use it is in .local/stack.env;
--folder takes another folder than .local.
"""

import argparse
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from local.deployment import DeploymentError
from local.local_settings import write_private
from local.packaging import ROOT
from local.processes import StartError
from local.stack import Stack

FOLDER = ROOT / ".local"
LAST_PORT = 65535
FAILURES = (StartError, DeploymentError, ClientError, BotoCoreError, subprocess.SubprocessError)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--port", type=port, default=8787, help="port of the API (8787)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where its state is kept")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    started = time.monotonic()

    def show(step: str) -> None:
        print(f"{time.monotonic() - started:5.1f} s  {step}", flush=True)

    try:
        with Stack(
            arguments.folder / "state", keep=True, port=arguments.port, progress=show
        ) as stack:
            write_environment(arguments.folder / "stack.env", stack.environment())
            print(f"how to use it is in {arguments.folder / 'stack.env'}", flush=True)
            print(f"ready {stack.url}", flush=True)
            watch(stack)
    except FAILURES as failure:
        sys.exit(str(failure))


def port(written: str) -> int:
    number = int(written)
    if not 1 <= number <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is 1 to {LAST_PORT}, not {number}")
    return number


def watch(stack: Stack) -> None:
    while True:
        time.sleep(1)
        stack.check()


def stop(number: int, _: FrameType | None) -> None:
    """Unwind, and let nothing interrupt the unwinding: a second Ctrl-C would leave processes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(f"\nstopping ({signal.Signals(number).name})", flush=True)
    sys.exit(0)


def write_environment(file: Path, environment: dict[str, str]) -> None:
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in environment.items()]
    write_private(file, "".join(lines))


if __name__ == "__main__":
    main()
