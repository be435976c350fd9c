"""Child processes of the local stack: start with a log, wait until healthy, stop by process id."""

import contextlib
import http.client
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HEALTH_SECONDS = 300
STOP_SECONDS = 60
DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
TAIL_LINES = 15


class StartError(Exception):
    """A process of the local stack did not start; the message is shown to the user."""


class Program:
    """One child process and its log."""

    def __init__(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self._log = log
        python, *script = command
        with log.open("ab") as output:
            # Own session: Ctrl-C reaches only the parent, which stops the processes in order.
            # -P: "import packaging" in a script must not find local/packaging.py.
            self._process = subprocess.Popen(
                [python, "-P", DIE_WITH_PARENT, *script],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_healthy(self, port: int, path: str) -> None:
        deadline = time.monotonic() + HEALTH_SECONDS
        while not is_healthy(port, path):
            self.check()
            if time.monotonic() > deadline:
                raise StartError(self._report(f"did not answer within {HEALTH_SECONDS} seconds"))
            time.sleep(0.03)

    def check(self) -> None:
        code = self._process.poll()
        if code is not None:
            raise StartError(self._report(f"ended with status {code}"))

    @property
    def process_id(self) -> int:
        return self._process.pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _report(self, problem: str) -> str:
        tail = self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n  ".join([f"{self.name} {problem}; the end of {self._log}:", *tail])


def is_healthy(port: int, path: str) -> bool:
    """Send GET without urllib, which would use a configured proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # Like servers: a port with connections in TIME_WAIT is free.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted: int = 0) -> int:
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
    return port
