"""Process of the receiver: start, kill during a response, restart."""

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from local.processes import Program, free_port
from rushes.webhooks.signature import new_secret

PROGRAM = Path(__file__).with_name("receiver.py")
PATH = "/hook"
POLL_SECONDS = 0.001
MAX_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Outage:
    """Time from the kill until the next process responds; seconds since 1970."""

    life: int
    """Number of the killed process; 1 is the first."""
    since: float
    until: float


class Subscriber:
    """Context manager that runs the receiver; `url` and `secret` belong to its endpoint."""

    def __init__(self, folder: Path, failure_rate: float) -> None:
        self.secret = new_secret()
        self.outages: list[Outage] = []
        self._port = free_port()
        self._folder = folder
        self._file = folder / "messages.jsonl"
        self._rate = failure_rate

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PATH}"

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()

    def kill(self, seconds: float) -> None:
        """Send SIGKILL after the next stored message, and restart after `seconds`."""
        self._wait_for_line()
        since = time.time()
        self._program.stop(signal.SIGKILL)
        time.sleep(seconds)
        life = len(self.outages) + 1
        self._start(life + 1)
        self.outages.append(Outage(life, since, time.time()))

    def received(self) -> list[dict[str, Any]]:
        """Return all complete lines; a message with an incomplete line got no response."""
        lines = []
        for line in self._file.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                lines.append(json.loads(line))
        return lines

    def _start(self, life: int = 1) -> None:
        options = {"port": self._port, "file": self._file, "life": life, "failure-rate": self._rate}
        command: list[str | Path] = [sys.executable, PROGRAM]
        command += [f"--{name}={value}" for name, value in options.items()]
        environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": self.secret}
        log = self._folder / "receiver.log"
        self._program = Program("receiver", command, environment, log)
        self._program.wait_until_healthy(self._port, "/")

    def _wait_for_line(self) -> None:
        size, deadline = self._file.stat().st_size, time.monotonic() + MAX_WAIT_SECONDS
        while self._file.stat().st_size == size and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
