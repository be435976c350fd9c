"""Child processes of the local stack: start with a log, wait until healthy, stop by process id.

A wait ends when its condition holds or when the process has ended. Its time limit is for a process
that hangs, so it does not depend on the machine's speed or on the size of the stored state.
"""

import contextlib
import http.client
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HANG_SECONDS = 1800
"""Only a hanging process reaches this limit; one that has ended is noticed at once."""
STOP_SECONDS = 600
"""As HANG_SECONDS, for a process that has to end; then it is killed."""
PROGRESS_SECONDS = 10
PAUSE_SECONDS = 0.03
DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
TAIL_LINES = 15


class StartError(Exception):
    """A process of the local stack did not start; the message is shown to the user."""


def no_progress(_: str) -> None:
    """Discard progress messages."""


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

    def wait_until_healthy(
        self, port: int, path: str, progress: Callable[[str], None] = no_progress
    ) -> None:
        """Wait for GET `path` to return 200; report every PROGRESS_SECONDS that it takes longer."""
        started = reported = time.monotonic()
        while not is_healthy(port, path):
            self.check()
            now = time.monotonic()
            if now - started > HANG_SECONDS:
                raise StartError(self._report(f"did not answer within {HANG_SECONDS} seconds"))
            if now - reported > PROGRESS_SECONDS:
                reported = now
                progress(f"waiting for the {self.name}: it runs and does not answer yet")
            time.sleep(PAUSE_SECONDS)

    def post(self, port: int, path: str) -> None:
        """Send POST and wait for its response; raise StartError unless it is 200."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_SECONDS)
        try:
            connection.request("POST", path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise StartError(self._report(f"did not answer POST {path} ({error!r})")) from None
        finally:
            connection.close()
        if status != http.HTTPStatus.OK:
            raise StartError(self._report(f"answered POST {path} with {status}"))

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
            self._process.wait(STOP_SECONDS)  # the engine stores its state first
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
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROGRESS_SECONDS)
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
