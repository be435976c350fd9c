"""Tests of faulty receivers: real connections, on a virtual clock."""

import random
import socket
import ssl
import struct
import time
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
from rushes.webhooks.attempt import DeliveryAttempt
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.ports import MAX_QUEUE_DELAY
from rushes.webhooks.retry_policy import JITTER, RETRY_DELAYS
from tests.fakes import FakeBlobs
from tests.raw_http import Answer, RawServer, chunked, reply, serving
from tests.unit.webhooks.harness import DAY, MINUTE, Harness, endpoint, event

TIMEOUT_SECONDS, LIMIT_SECONDS = 1.0, 60.0
"""Time limits of a POST that has to time out, and of all others; 15 in production."""
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
HUGE = 64 * 1024 * 1024
ROUNDING = 1.0
"""SQS delays by whole seconds."""


@dataclass(frozen=True)
class Fault:
    """A response and the recorded attempt. `floor` is the minimum delay after it."""

    answer: Answer
    status: int | None
    error: str | None = None
    floor: float = 0.0


def hang(_: BufferedIOBase) -> None:
    time.sleep(LIMIT_SECONDS)


def drip_head(stream: BufferedIOBase) -> None:
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1000:
            stream.write(bytes([byte]))
            time.sleep(TIMEOUT_SECONDS / 10)


def drip_body(stream: BufferedIOBase) -> None:
    with suppress(OSError):
        stream.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            stream.write(b"y")
            time.sleep(TIMEOUT_SECONDS / 10)


def reset(stream: BufferedIOBase) -> None:
    connection: socket.socket = stream._sock  # type: ignore[attr-defined]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def flood(stream: BufferedIOBase) -> None:
    with suppress(OSError):
        stream.write(b"HTTP/1.1 500 Oh\r\ncontent-length: %d\r\n\r\n" % HUGE)
        stream.writelines(b"y" * 65536 for _ in range(HUGE // 65536))


FAULTS = {
    "500": Fault(reply(b"oh", status="500 Internal Server Error"), 500),
    "503": Fault(reply(status="503 Service Unavailable"), 503),
    "404": Fault(reply(status="404 Not Found"), 404),
    "429": Fault(reply(status="429 Too Many Requests"), 429, floor=60),
    "429 with Retry-After": Fault(reply(status="429 Slow", retry_after="700"), 429, floor=700),
    "503 with Retry-After of a second": Fault(reply(status="503 Later", retry_after="1"), 503),
    "503 with an invalid Retry-After": Fault(reply(status="503 Later", retry_after="soon"), 503),
    "301": Fault(reply(status="301 Moved", location="/elsewhere"), 301),
    "302": Fault(reply(status="302 Found", location="/elsewhere"), 302),
    "307": Fault(reply(status="307 Temporary Redirect", location="/elsewhere"), 307),
    "304": Fault(reply(status="304 Not Modified"), 304),
    "hangs": Fault(hang, None, "timeout", floor=60),
    "drips its head": Fault(drip_head, None, "timeout", floor=60),
    "drips its body": Fault(drip_body, None, "timeout", floor=60),
    "floods": Fault(flood, 500),
    "resets": Fault(reset, None, "broken"),
    "closes without a response": Fault(b"", None, "broken"),
    "garbage": Fault(b"\x16\x03\x01 hello\r\n\r\n", None, "broken"),
    "unknown status": Fault(b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n", 999),
    "closes within its response": Fault(chunked(b"thanks", end=False), None, "broken"),
}


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setattr(client, "WEBHOOK_SECONDS", LIMIT_SECONDS)
    source = random.Random(7)  # noqa: S311 - no secret
    return Harness(SafeHttpClient(FakeBlobs(), local_mode=True), jitter=source.random)


def deliver_to(harness: Harness, url: str, days: float = 12) -> tuple[DeliveryAttempt, ...]:
    """Deliver one event to the URL and return all attempts."""
    harness.endpoints.add(endpoint(url=url))
    harness.fanout.run(event())
    harness.run(days * DAY)
    return harness.delivery().attempts


def results(attempts: tuple[DeliveryAttempt, ...]) -> list[tuple[int | None, str | None]]:
    return [(attempt.status_code, attempt.error) for attempt in attempts]


def check_pauses(attempts: tuple[DeliveryAttempt, ...], floor: float) -> None:
    """Assert the schedule with its jitter; long delays also wait for the next sweep."""
    moments = [attempt.at for attempt in attempts]
    assert moments[0] == pytest.approx(1_800_000_000, abs=ROUNDING)
    for planned, (before, after) in zip(RETRY_DELAYS[1:], pairwise(moments), strict=True):
        least, most = (max(planned * (1 + part), floor) for part in (-JITTER, JITTER))
        late = ROUNDING if most <= MAX_QUEUE_DELAY else MINUTE
        assert least <= after - before <= most + late


@pytest.mark.parametrize("name", FAULTS)
def test_failing_receiver_gets_ten_attempts_by_the_schedule(
    name: str, server: RawServer, harness: Harness, monkeypatch: pytest.MonkeyPatch
):
    fault = FAULTS[name]
    if fault.error == "timeout":
        monkeypatch.setattr(client, "WEBHOOK_SECONDS", TIMEOUT_SECONDS)
    server.answers["/in"] = fault.answer
    attempts = deliver_to(harness, f"{server.url}/in")
    assert results(attempts) == [(fault.status, fault.error)] * 10
    assert harness.delivery().status is DeliveryStatus.FAILED
    check_pauses(attempts, fault.floor)
    assert {request.path for request in server.received} == {"/in"}
    assert {request.headers["webhook-id"] for request in server.received} == {event()["id"]}
    assert all(len(attempt.response_excerpt) <= 1024 for attempt in attempts)
    harness.run(5 * DAY)
    assert len(server.received) == 10


@pytest.mark.parametrize(
    "status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Why not"]
)
def test_any_2xx_is_a_success(status: str, server: RawServer, harness: Harness):
    has_body = status != "204 No Content"
    server.answers["/in"] = reply(b"thanks", status) if has_body else NO_CONTENT
    [attempt] = deliver_to(harness, f"{server.url}/in")
    assert attempt.status_code == int(status[:3])
    assert attempt.response_excerpt == ("thanks" if has_body else "")
    assert harness.delivery().status is DeliveryStatus.DELIVERED
    assert len(server.received) == 1


def test_retry_after_accepts_a_date(server: RawServer, harness: Harness):
    at = datetime.fromtimestamp(harness.clock() + 800, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.answers["/in"] = reply(status="503 Later", retry_after=at)
    first, second, *_ = deliver_to(harness, f"{server.url}/in")
    assert second.at - first.at == pytest.approx(800, abs=2)


def test_retry_after_is_limited_to_a_day(server: RawServer, harness: Harness):
    """Five days of such responses disable the endpoint."""
    server.answers["/in"] = reply(status="503 Later", retry_after="31536000")
    attempts = deliver_to(harness, f"{server.url}/in")
    pauses = [after.at - before.at for before, after in pairwise(attempts)]
    assert len(attempts) == 6
    assert all(DAY <= pause <= DAY * (1 + JITTER) + MINUTE for pause in pauses)
    assert harness.stored_endpoint().disabled_reason == "failing"


def test_410_disables_the_endpoint_at_once(server: RawServer, harness: Harness):
    """The event is published, and later events are not delivered."""
    server.answers["/in"] = reply(status="410 Gone")
    [attempt] = deliver_to(harness, f"{server.url}/in")
    assert attempt.status_code == 410
    assert harness.delivery().status is DeliveryStatus.FAILED
    stored = harness.stored_endpoint()
    assert (stored.is_enabled, stored.disabled_reason) == (False, "gone")
    assert [published["type"] for published in harness.bus.events] == ["endpoint.disabled"]
    harness.publish(2)
    harness.run(DAY)
    assert len(server.received) == 1


def test_success_after_timeouts_ends_the_failure_series(
    server: RawServer, harness: Harness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "WEBHOOK_SECONDS", TIMEOUT_SECONDS)
    server.answers["/in"] = hang
    assert len(deliver_to(harness, f"{server.url}/in", days=200 / DAY)) == 2
    monkeypatch.setattr(client, "WEBHOOK_SECONDS", LIMIT_SECONDS)
    server.answers["/in"] = reply()
    harness.run(DAY)
    timeout = None, "timeout"
    assert results(harness.delivery().attempts) == [timeout, timeout, (200, None)]
    assert harness.stored_endpoint().failing_since is None


def test_lost_response_causes_a_second_post_with_the_same_id(server: RawServer, harness: Harness):
    answers = iter([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nth", reply(b"thanks")])

    def answer(stream: BufferedIOBase) -> None:
        stream.write(next(answers))

    server.answers["/in"] = answer
    deliver_to(harness, f"{server.url}/in")
    first, second = server.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert harness.delivery().status is DeliveryStatus.DELIVERED


def test_closed_port_is_a_refused_connection(harness: Harness):
    with serving() as closed:
        url = f"{closed.url}/in"
    attempts = deliver_to(harness, url)
    assert [attempt.error for attempt in attempts] == ["refused"] * 10
    check_pauses(attempts, 0)


def test_plain_http_on_a_tls_url_is_a_tls_error(server: RawServer, harness: Harness):
    attempts = deliver_to(harness, f"{server.url.replace('http', 'https')}/in")
    assert [attempt.error for attempt in attempts] == ["tls"] * 10


def test_self_signed_certificate_is_a_tls_error(
    tmp_path: Path, server: RawServer, harness: Harness
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    attempts = deliver_to(harness, f"{server.url.replace('http', 'https')}/in")
    assert [attempt.error for attempt in attempts] == ["tls"] * 10


def test_url_that_became_private_is_refused_at_each_attempt(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
):
    """The URL policy applies to each attempt."""
    public = SafeHttpClient(FakeBlobs(), local_mode=False)
    monkeypatch.setattr(harness.http_client, "_transport", public._transport)
    attempts = deliver_to(harness, "https://127.0.0.1/in")
    assert [attempt.error for attempt in attempts] == ["address_refused"] * 10


def self_signed(folder: Path) -> Path:
    """Create a self-signed certificate with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.now(UTC), timedelta(days=1)
    certificate = x509.CertificateBuilder(
        name,
        name,
        key.public_key(),
        serial_number=1,
        not_valid_before=now - day,
        not_valid_after=now + day,
    ).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "own.pem"
    file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, form, encryption))
    return file
