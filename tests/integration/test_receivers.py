"""Tests of the example receivers: accepted and refused messages."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.packaging import ROOT
from local.processes import free_port
from rushes.webhooks.signature import headers, new_secret
from tests.waiting import MAX_WAIT_SECONDS, wait_for

FOLDER = ROOT / "examples/receivers"
PROGRAMS = {
    "python": [sys.executable, str(FOLDER / "receiver.py")],
    "node": ["node", str(FOLDER / "receiver.mjs")],
}
SECRET = new_secret()
PARTIAL = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\npart"
BODY = json.dumps({"type": "job.completed", "data": {"id": "job_é"}}, ensure_ascii=False).encode()


@dataclass
class Receiver:
    port: int
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def post(self, sent: Mapping[str, str], body: bytes = BODY) -> int:
        timeout = MAX_WAIT_SECONDS
        return httpx.post(self.url, headers=dict(sent), content=body, timeout=timeout).status_code

    @property
    def printed(self) -> list[str]:
        return self.output.read_text("utf-8").splitlines()


NEEDS_NODE = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture(params=["python", pytest.param("node", marks=NEEDS_NODE)])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    with running(request.param, free_port(), SECRET, tmp_path / "output") as started:
        yield started


@contextmanager
def running(name: str, port: int, secret: str, output: Path) -> Iterator[Receiver]:
    """Run an example receiver; it prints to `output`."""
    command = [*PROGRAMS[name], str(port)]
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret, "PYTHONUTF8": "1"}
    with output.open("wb") as file:
        program = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        try:
            started = Receiver(port, output)
            wait_for(lambda: responds(started, program))
            yield started
        finally:
            program.terminate()
            program.wait(MAX_WAIT_SECONDS)


def responds(receiver: Receiver, program: "subprocess.Popen[bytes]") -> bool:
    assert program.poll() is None, receiver.printed
    with suppress(httpx.HTTPError):
        httpx.get(receiver.url, timeout=1)
        return True
    return False


def signed(
    body: bytes = BODY, at: float = 0.0, secrets: tuple[str, ...] = (SECRET,), name: str = "evt_1"
) -> dict[str, str]:
    """`at` is relative to the current time, in seconds."""
    return headers(name, time.time() + at, body, secrets)


def job_lines(receiver: Receiver) -> list[str]:
    return [line for line in receiver.printed if line.startswith("job.")]


def test_receiver_accepts_our_messages_and_prints_each_once(receiver: Receiver):
    assert receiver.post(signed()) == 204
    assert receiver.post(signed(at=1)) == 204
    assert receiver.post(signed(name="evt_2")) == 204
    assert job_lines(receiver) == ["job.completed job_é"] * 2


def test_receiver_accepts_either_secret_during_a_rotation(receiver: Receiver):
    assert receiver.post(signed(secrets=(new_secret(), SECRET))) == 204
    assert receiver.post(signed(secrets=(SECRET, new_secret()), name="evt_2")) == 204


def test_receiver_refuses_invalid_signatures(receiver: Receiver):
    good = signed()
    lacking = [{name: good[name] for name in good if name != absent} for absent in good]
    cases = [
        ({}, BODY),
        *((part, BODY) for part in lacking),
        (good, BODY + b" "),
        ({**good, "webhook-id": "evt_2"}, BODY),
        ({**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}, BODY),
        ({**good, "webhook-timestamp": "now"}, BODY),
        ({**good, "webhook-signature": "v1,"}, BODY),
        ({**good, "webhook-signature": "v1"}, BODY),
        ({**good, "webhook-signature": "v1,????"}, BODY),
        ({**good, "webhook-signature": good["webhook-signature"].replace("v1", "v2")}, BODY),
        (signed(secrets=(new_secret(),)), BODY),
        (signed(at=-600), BODY),
        (signed(at=600), BODY),
    ]
    assert [receiver.post(*case) for case in cases] == [401] * len(cases)
    assert job_lines(receiver) == []


def test_receiver_survives_slow_broken_and_invalid_requests(receiver: Receiver):
    """The invalid requests include signed bodies without an event."""
    with receiver.connect() as silent, receiver.connect() as slow:
        slow.sendall(PARTIAL)
        with receiver.connect() as broken:
            broken.sendall(PARTIAL)
        for number, body in enumerate((b"[]", b"null", b"no json")):
            with suppress(httpx.RemoteProtocolError):  # or the receiver closes the connection
                assert receiver.post(signed(body, name=f"evt_{number}"), body) in (400, 401)
        assert receiver.post(signed(name="evt_9")) == 204
        silent.sendall(b"x")


def test_receiver_closes_a_hanging_connection(receiver: Receiver):
    with receiver.connect() as slow:
        slow.sendall(PARTIAL)
        began = time.monotonic()
        while slow.recv(1000):
            pass
        assert time.monotonic() - began > 5
