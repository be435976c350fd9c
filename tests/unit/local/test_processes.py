"""Waiting for a process of the local stack: its condition or its end, not a number of seconds."""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from local import processes
from local.processes import Program, StartError, free_port
from tests.waiting import wait_for

LIVES = "import time; print('started', flush=True); time.sleep(3600)"
ENDS = "import sys; print('no space left on device', flush=True); sys.exit(3)"
HANGS = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('started', flush=True); time.sleep(3600)"
)
StartProgram = Callable[[str], Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartProgram]:
    programs: list[Program] = []

    def start(source: str) -> Program:
        script, log = tmp_path / "engine.py", tmp_path / "engine.log"
        script.write_text(source)
        programs.append(Program("engine", [sys.executable, script], {}, log))
        wait_for(log.read_text)
        return programs[-1]

    yield start
    for program in programs:
        program.stop(signal.SIGKILL)


class Server(ThreadingHTTPServer):
    """Answers after `allowed` is set: 503 for the first `failures` requests, then 200."""

    failures = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.allowed, self.received = threading.Event(), threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.received.set()
        self.server.allowed.wait()
        self.server.failures -= 1
        self.send_response(503 if self.server.failures >= 0 else 200)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.allowed.set()
        server.shutdown()
        thread.join()


def test_wait_ends_with_a_process_that_ends(start: StartProgram):
    with pytest.raises(StartError) as raised:
        start(ENDS).wait_until_healthy(free_port(), "/health")
    assert "engine ended with status 3" in str(raised.value)
    assert "no space left on device" in str(raised.value)


def test_wait_tolerates_errors_of_a_living_process_and_reports_progress(
    start: StartProgram, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(processes, "PROGRESS_SECONDS", 1e-9)
    monkeypatch.setattr(processes, "is_healthy", lambda *_: len(shown) > 2)
    shown: list[str] = []
    start(LIVES).wait_until_healthy(server.port, "/health", shown.append)
    assert set(shown) == {"waiting for the engine: it runs and does not answer yet"}


def test_health_needs_status_200(server: Server):
    server.failures = 1
    server.allowed.set()
    assert [processes.is_healthy(server.port, "/health") for _ in range(2)] == [False, True]


def test_wait_for_a_hanging_process_is_limited(
    start: StartProgram, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "HANG_SECONDS", 0.01)
    with pytest.raises(StartError, match=r"engine did not answer within 0\.01 seconds"):
        start(LIVES).wait_until_healthy(free_port(), "/health")


def test_post_waits_for_a_slow_answer(start: StartProgram, server: Server):
    program, done = start(LIVES), threading.Event()

    def post() -> None:
        program.post(server.port, "/_local/save")
        done.set()

    thread = threading.Thread(target=post)
    thread.start()
    assert server.received.wait(300)
    assert not done.is_set()
    server.allowed.set()
    thread.join()
    assert done.is_set()


def test_post_reports_a_process_that_ends_before_its_answer(start: StartProgram):
    program = start(LIVES)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept_and_close() -> None:
            connection, _ = listener.accept()
            connection.close()

        thread = threading.Thread(target=accept_and_close)
        thread.start()
        with pytest.raises(StartError, match="engine did not answer POST /_local/save"):
            program.post(listener.getsockname()[1], "/_local/save")
        thread.join()


def test_post_reports_an_error_status(start: StartProgram, server: Server):
    server.failures = 1
    server.allowed.set()
    with pytest.raises(StartError, match="answered POST /_local/save with 503"):
        start(LIVES).post(server.port, "/_local/save")


def test_hanging_process_is_killed(start: StartProgram, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.01)
    program = start(HANGS)
    program.stop()
    with pytest.raises(StartError, match="ended with status -9"):
        program.check()
