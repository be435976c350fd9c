"""Receivers as they are: real connections to bad servers, on a virtual clock."""

import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedIOBase
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rushes.http import client
from rushes.http.client import SafeHttpClient
from rushes.webhooks.attempt import Attempt
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.ports import LONGEST_DELAY
from rushes.webhooks.retry_policy import DELAYS, JITTER
from tests.fakes import FakeBlobs
from tests.raw_http import Answer, RawServer, chunked, reply, serving
from tests.unit.webhooks.harness import DAY, MINUTE, Harness, endpoint, event

SECONDS = 0.25
"""How long a notice may take here; outside it is 15."""
HUGE = 64 * 1024 * 1024
ROUNDING = 1.0
"""Seconds: a queue keeps things back for whole ones."""


@dataclass(frozen=True)
class Fault:
    """What a receiver does, and what is noted of it. `floor` is the least pause after it."""

    answer: Answer
    status: int | None
    error: str | None = None
    floor: float = 0.0


def hang(_: BufferedIOBase) -> None:
    time.sleep(SECONDS * 2)


def drip_head(stream: BufferedIOBase) -> None:
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1000:
            stream.write(bytes([byte]))
            time.sleep(SECONDS / 10)


def drip_body(stream: BufferedIOBase) -> None:
    with suppress(OSError):
        stream.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            stream.write(b"y")
            time.sleep(SECONDS / 10)


def reset(stream: BufferedIOBase) -> None:
    its: socket.socket = stream._sock  # type: ignore[attr-defined]
    its.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    its.close()


def flood(stream: BufferedIOBase) -> None:
    with suppress(OSError):
        stream.write(b"HTTP/1.1 500 Oh\r\ncontent-length: %d\r\n\r\n" % HUGE)
        stream.writelines(b"y" * 65536 for _ in range(HUGE // 65536))


FAULTS = {
    "500": Fault(reply(b"oh", status="500 Internal Server Error"), 500),
    "503": Fault(reply(status="503 Service Unavailable"), 503),
    "404": Fault(reply(status="404 Not Found"), 404),
    "429": Fault(reply(status="429 Too Many Requests"), 429, floor=60),
    "429 with a number": Fault(reply(status="429 Slow", retry_after="700"), 429, floor=700),
    "503 with a second": Fault(reply(status="503 Later", retry_after="1"), 503),
    "503 with nonsense": Fault(reply(status="503 Later", retry_after="soon"), 503),
    "301": Fault(reply(status="301 Moved", location="/elsewhere"), 301),
    "302": Fault(reply(status="302 Found", location="/elsewhere"), 302),
    "307": Fault(reply(status="307 Temporary Redirect", location="/elsewhere"), 307),
    "304": Fault(reply(status="304 Not Modified"), 304),
    "hangs": Fault(hang, None, "timeout", floor=60),
    "drips its head": Fault(drip_head, None, "timeout", floor=60),
    "drips its body": Fault(drip_body, None, "timeout", floor=60),
    "floods": Fault(flood, 500),
    "resets": Fault(reset, None, "broken"),
    "says nothing": Fault(b"", None, "broken"),
    "garbage": Fault(b"\x16\x03\x01 hello\r\n\r\n", None, "broken"),
    "an unheard-of status": Fault(b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n", 999),
    "dies within its answer": Fault(chunked(b"thanks", end=False), None, "broken"),
}


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr(client, "NOTICE_SECONDS", SECONDS)
    dice = random.Random(7)  # noqa: S311 - no secret
    return Harness(SafeHttpClient(FakeBlobs(), local_mode=True), dice=dice.random)


def sent(harness: Harness, url: str, days: float = 12) -> tuple[Attempt, ...]:
    """What came of one event to that address, all attempts of it."""
    harness.endpoints.add(endpoint(url=url))
    harness.fanout(event())
    harness.run(days * DAY)
    return harness.delivery().attempts


def check_pauses(attempts: tuple[Attempt, ...], floor: float) -> None:
    """The table, a fifth more or less; what is far away waits for the minute's sweep as well."""
    moments = [attempt.at for attempt in attempts]
    assert moments[0] == pytest.approx(1_800_000_000, abs=ROUNDING)
    for planned, (before, after) in zip(DELAYS[1:], pairwise(moments), strict=True):
        least, most = (max(planned * (1 + part), floor) for part in (-JITTER, JITTER))
        late = ROUNDING if most <= LONGEST_DELAY else MINUTE
        assert least <= after - before <= most + late


@pytest.mark.parametrize("name", FAULTS)
def test_what_fails_is_tried_ten_times_by_the_table(name: str, server: RawServer, harness: Harness):
    fault = FAULTS[name]
    server.answers["/in"] = fault.answer
    attempts = sent(harness, f"{server.url}/in")
    assert [(it.status_code, it.error) for it in attempts] == [(fault.status, fault.error)] * 10
    assert harness.delivery().status is DeliveryStatus.FAILED
    check_pauses(attempts, fault.floor)
    assert {it.path for it in server.received} == {"/in"}
    assert {it.headers["webhook-id"] for it in server.received} == {event()["id"]}
    assert all(len(attempt.response_excerpt) <= 1024 for attempt in attempts)
    harness.run(5 * DAY)
    assert len(server.received) == 10


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "299 Why not"])
def test_any_success_is_one(status: str, server: RawServer, harness: Harness):
    server.answers["/in"] = reply(b"thanks", status=status)
    [attempt] = sent(harness, f"{server.url}/in")
    assert attempt.status_code == int(status[:3])
    assert attempt.response_excerpt == "thanks"
    assert harness.delivery().status is DeliveryStatus.DELIVERED
    assert len(server.received) == 1


def test_no_content_is_enough(server: RawServer, harness: Harness):
    server.answers["/in"] = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert [it.status_code for it in sent(harness, f"{server.url}/in")] == [204]


def test_a_date_to_come_back_at_is_listened_to(server: RawServer, harness: Harness):
    at = datetime.fromtimestamp(harness.clock() + 800, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.answers["/in"] = reply(status="503 Later", retry_after=at)
    first, second, *_ = sent(harness, f"{server.url}/in")
    assert second.at - first.at == pytest.approx(800, abs=2)


def test_nobody_is_waited_for_longer_than_a_day(server: RawServer, harness: Harness):
    """And whoever answers like this for five days is left alone."""
    server.answers["/in"] = reply(status="503 Later", retry_after="31536000")
    attempts = sent(harness, f"{server.url}/in")
    pauses = [after.at - before.at for before, after in pairwise(attempts)]
    assert len(attempts) == 6
    assert all(DAY <= pause <= DAY * (1 + JITTER) + MINUTE for pause in pauses)
    kept = harness.endpoints.get("one", "we_1")
    assert kept is not None
    assert kept.disabled_reason == "failing"


def test_gone_means_gone(server: RawServer, harness: Harness):
    """The endpoint is disabled, the bus hears of it, and what was to come does not."""
    server.answers["/in"] = reply(status="410 Gone")
    [attempt] = sent(harness, f"{server.url}/in")
    assert attempt.status_code == 410
    assert harness.delivery().status is DeliveryStatus.FAILED
    kept = harness.endpoints.get("one", "we_1")
    assert kept is not None
    assert (kept.is_enabled, kept.disabled_reason) == (False, "gone")
    assert [it["type"] for it in harness.bus.events] == ["endpoint.disabled"]
    harness.fanout(event(job_id="job_2", at=harness.clock()))
    harness.run(DAY)
    assert len(server.received) == 1


def test_slow_at_first_and_then_fine(server: RawServer, harness: Harness):
    answers: Iterator[Answer] = iter([hang, hang, reply()])
    server.answers["/in"] = in_turn(answers)
    attempts = sent(harness, f"{server.url}/in")
    assert [(it.status_code, it.error) for it in attempts] == [
        (None, "timeout"),
        (None, "timeout"),
        (200, None),
    ]
    kept = harness.endpoints.get("one", "we_1")
    assert kept is not None
    assert kept.failing_since is None


def test_a_lost_answer_means_the_same_message_twice(server: RawServer, harness: Harness):
    """It was taken, and nobody knows: the same id tells the receiver."""
    answers: Iterator[Answer] = iter(
        [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nth", reply(b"thanks")]
    )
    server.answers["/in"] = in_turn(answers)
    sent(harness, f"{server.url}/in")
    first, second = server.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert harness.delivery().status is DeliveryStatus.DELIVERED


def test_nobody_listens(harness: Harness):
    with serving() as closed:
        url = f"{closed.url}/in"
    attempts = sent(harness, url)
    assert [it.error for it in attempts] == ["refused"] * 10
    check_pauses(attempts, 0)


def test_a_plain_server_where_tls_is_spoken(server: RawServer, harness: Harness):
    attempts = sent(harness, f"{server.url.replace('http', 'https')}/in")
    assert [it.error for it in attempts] == ["tls"] * 10


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, harness: Harness):
    with tls_server(tmp_path) as port:
        attempts = sent(harness, f"https://127.0.0.1:{port}/in")
    assert [it.error for it in attempts] == ["tls"] * 10


def test_an_address_that_has_become_private(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    """It is judged again at each attempt, and nothing is connected to."""
    monkeypatch.setattr(
        harness.notifier, "_wire", SafeHttpClient(FakeBlobs(), local_mode=False)._wire
    )
    attempts = sent(harness, "https://127.0.0.1/in")
    assert [it.error for it in attempts] == ["address_refused"] * 10


def in_turn(answers: Iterator[Answer]) -> Callable[[BufferedIOBase], None]:
    def answer(stream: BufferedIOBase) -> None:
        chosen = next(answers)
        if callable(chosen):
            chosen(stream)
        else:
            stream.write(chosen)

    return answer


class tls_server:  # noqa: N801 - used like a function
    """Shakes hands with a certificate of its own making."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        file = folder / "own.pem"
        form = serialization.PrivateFormat.PKCS8
        pem = serialization.Encoding.PEM
        file.write_bytes(
            made.public_bytes(pem) + key.private_bytes(pem, form, serialization.NoEncryption())
        )
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(file)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, suppress(OSError):
                    self._context.wrap_socket(connection, server_side=True).close()
