"""The receiver's process: started, killed in the middle of an answer, and started again."""

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.processes import Program, free_port
from rushes.webhooks.signature import new_secret

PROGRAM = Path(__file__).with_name("receiver.py")
PATH = "/hook"
LOOK_SECONDS = 0.001
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Outage:
    """From just before the kill until the next process answers; seconds since 1970."""

    life: int
    """Of the process that was killed: 1 is the first."""
    since: float
    until: float


class Subscriber:
    """Runs within its `with` block. `url` and `secret` are those of its endpoint."""

    def __init__(self, folder: Path, failing: float) -> None:
        self.secret = new_secret()
        self.outages: list[Outage] = []
        self._port = free_port()
        self._folder = folder
        self._file = folder / "heard.jsonl"
        self._failing = failing

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PATH}"

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._program.stop()

    def kill(self, seconds: float) -> None:
        """SIGKILL as soon as it has written something down; it is away for so long."""
        self._wait_for_a_line()
        since = time.time()
        self._program.stop(signal.SIGKILL)
        time.sleep(seconds)
        life = len(self.outages) + 1
        self._start(life + 1)
        self.outages.append(Outage(life, since, time.time()))

    def heard(self) -> list[dict[str, Any]]:
        """All whole lines, in their order; half a line was never answered."""
        lines = []
        for line in self._file.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                lines.append(json.loads(line))
        return lines

    def _start(self, life: int = 1) -> None:
        command: list[str | Path] = [sys.executable, PROGRAM, "--port", str(self._port)]
        command += ["--file", self._file, "--life", str(life), "--failing", str(self._failing)]
        environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": self.secret}
        log = self._folder / "receiver.log"
        self._program = Program("receiver", command, environment, log)
        self._program.wait_until_healthy(self._port, "/")

    def _wait_for_a_line(self) -> None:
        size, deadline = self._size(), time.monotonic() + PATIENCE_SECONDS
        while self._size() == size and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def _size(self) -> int:
        return self._file.stat().st_size
