"""`python -m local.up`: run the local stack in the foreground until Ctrl-C.

State persists in .local/state; .local/stack.env has the variables to use the stack. --folder
replaces .local. RUSHES_CONFIG names a configuration in place of rushes.toml.
"""

import argparse
import os
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
MAX_PORT = 65535
CONFIG_VARIABLE = "RUSHES_CONFIG"
FAILURES = (StartError, DeploymentError, ClientError, BotoCoreError, subprocess.SubprocessError)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--port", type=port, default=8787, help="port of the API (8787)")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="folder of state and stack.env (.local)"
    )
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    started = time.monotonic()

    def show(step: str) -> None:
        print(f"{time.monotonic() - started:5.1f} s  {step}", flush=True)

    try:
        config = os.environ.get(CONFIG_VARIABLE)
        with Stack(
            args.folder / "state",
            keep=True,
            port=args.port,
            config=Path(config) if config else None,
            progress=show,
        ) as stack:
            write_environment(args.folder / "stack.env", stack.environment())
            print(f"environment variables: {args.folder / 'stack.env'}", flush=True)
            print(f"ready {stack.url}", flush=True)
            watch(stack)
    except FAILURES as failure:
        sys.exit(str(failure))


def port(value: str) -> int:
    number = int(value)
    if not 1 <= number <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"port must be 1 to {MAX_PORT} (got {number})")
    return number


def watch(stack: Stack) -> None:
    while True:
        time.sleep(1)
        stack.check()


def stop(number: int, _: FrameType | None) -> None:
    """Exit and ignore further signals: a second Ctrl-C would leave processes running."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(f"\nstopping ({signal.Signals(number).name})", flush=True)
    sys.exit(0)


def write_environment(file: Path, environment: dict[str, str]) -> None:
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in environment.items()]
    write_private(file, "".join(lines))


if __name__ == "__main__":
    main()
