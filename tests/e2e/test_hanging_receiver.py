"""A receiver that never answers, and everybody else on the whole stack."""

import threading
import time
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

import pytest

from local.stack import Stack
from rushes.webhooks.delivery import DeliveryStatus
from tests.e2e.test_webhook_faults import COLD_SECONDS, Account, Clients
from tests.raw_http import RawServer, reply, serving


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_whoever_hangs_is_waited_for_by_nobody_else(
    server: RawServer, stack: Stack, aws: Clients, released: threading.Event
):
    def hang(_: BufferedIOBase) -> None:
        released.wait(60)

    slow, fast = (Account(stack, aws, server) for _ in range(2))
    hanging, listening = slow.listen("/hangs", hang), fast.listen("/in", reply())
    fast.ended(fast.happen(), listening)  # the functions have been started by now
    stuck = slow.happen()
    deadline = time.monotonic() + COLD_SECONDS
    while not any(it.path == "/hangs" for it in server.received):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    delivered = fast.ended(fast.happen(), listening)
    assert delivered.status is DeliveryStatus.DELIVERED
    waiting: Any = slow.deliveries.get(slow.name, stuck, hanging)
    assert waiting.attempts == ()  # it hangs still
