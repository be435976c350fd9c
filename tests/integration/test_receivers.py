"""The example receivers, as programs: what they believe, and what they do not."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.packaging import ROOT
from local.processes import free_port
from rushes.webhooks.signature import headers, new_secret

FOLDER = ROOT / "examples/receivers"
PROGRAMS = {
    "python": [sys.executable, str(FOLDER / "receiver.py")],
    "node": ["node", str(FOLDER / "receiver.mjs")],
}
SECRET = new_secret()
BODY = json.dumps({"type": "job.completed", "data": {"id": "job_é"}}, ensure_ascii=False).encode()


@dataclass
class Receiver:
    url: str
    output: Path

    def post(self, sent: Mapping[str, str], body: bytes = BODY) -> int:
        return httpx.post(self.url, headers=dict(sent), content=body, timeout=10).status_code

    @property
    def printed(self) -> list[str]:
        return self.output.read_text("utf-8").splitlines()


NEEDS_NODE = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")


@pytest.fixture(params=["python", pytest.param("node", marks=NEEDS_NODE)])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    port, output = free_port(), tmp_path / "output"
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": SECRET, "PYTHONUTF8": "1"}
    with output.open("wb") as file:
        program = subprocess.Popen(
            [*PROGRAMS[request.param], str(port)], env=environment, stdout=file, stderr=file
        )
        try:
            made = Receiver(f"http://127.0.0.1:{port}/", output)
            wait_for(made, program)
            yield made
        finally:
            program.terminate()
            program.wait(10)


def wait_for(receiver: Receiver, program: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            httpx.get(receiver.url, timeout=1)
        except httpx.HTTPError:
            assert program.poll() is None, receiver.printed
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def signed(
    body: bytes = BODY, at: float = 0.0, live: tuple[str, ...] = (SECRET,), name: str = "evt_1"
) -> dict[str, str]:
    """`at`: seconds from now."""
    return headers(name, time.time() + at, body, live)


def told(receiver: Receiver) -> list[str]:
    return [line for line in receiver.printed if line.startswith("job.")]


def test_what_is_ours_is_believed_and_told_once(receiver: Receiver):
    assert receiver.post(signed()) == 204
    assert receiver.post(signed(at=1)) == 204
    assert receiver.post(signed(name="evt_2")) == 204
    assert told(receiver) == ["job.completed job_é"] * 2


def test_while_a_secret_is_being_replaced_either_will_do(receiver: Receiver):
    assert receiver.post(signed(live=(new_secret(), SECRET))) == 204
    assert receiver.post(signed(live=(SECRET, new_secret()), name="evt_2")) == 204


def test_what_is_not_ours_is_not_believed(receiver: Receiver):
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
        (signed(live=(new_secret(),)), BODY),
        (signed(at=-600), BODY),
        (signed(at=600), BODY),
    ]
    assert [receiver.post(*case) for case in cases] == [401] * len(cases)
    assert told(receiver) == []


def test_whoever_hangs_or_breaks_off_stops_nothing(receiver: Receiver):
    """Nor does what is signed and makes no sense."""
    address = ("127.0.0.1", int(receiver.url.rsplit(":", 1)[1].strip("/")))
    head = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\npart"
    with socket.create_connection(address) as silent, socket.create_connection(address) as slow:
        slow.sendall(head)
        with socket.create_connection(address) as broken:
            broken.sendall(head)
        for number, nonsense in enumerate((b"[]", b"null", b"no json")):
            with suppress(httpx.RemoteProtocolError):  # or it hangs up
                assert receiver.post(signed(nonsense, name=f"evt_{number}"), nonsense) in (400, 401)
        assert receiver.post(signed(name="evt_9")) == 204
        silent.sendall(b"x")


def test_whoever_hangs_is_hung_up_on(receiver: Receiver):
    address = ("127.0.0.1", int(receiver.url.rsplit(":", 1)[1].strip("/")))
    with socket.create_connection(address, timeout=20) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\npart")
        began = time.monotonic()
        while slow.recv(1000):
            pass
        assert 5 < time.monotonic() - began < 15
