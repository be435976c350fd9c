"""Slow endpoints of one account on the full stack, and the webhooks of another account."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.queue_message import ENDPOINT_GROUPS, SLOW_GROUPS
from tests.e2e.test_webhook_faults import Account
from tests.raw_http import RawServer, reply
from tests.waiting import wait_for

SECONDS = 14.0
"""Response time of a slow endpoint: a second below the timeout."""
ENDPOINTS, EVENTS = 40, 5
"""Messages for several minutes."""
SHARE = ENDPOINT_GROUPS + SLOW_GROUPS
WORKERS = SHARE + 4
"""Concurrent deliveries of this stack: fewer than the slow endpoints."""


class SlowAnswer:
    """Answers 200 after `SECONDS` and counts the concurrent requests."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.open = self.most = self.total = 0
        self._lock = threading.Lock()

    def __call__(self, stream: BufferedIOBase) -> None:
        with self._counted():
            self.released.wait(SECONDS)
        stream.write(reply())

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self.open += 1
            self.total += 1
            self.most = max(self.most, self.open)
        try:
            yield
        finally:
            with self._lock:
                self.open -= 1


@pytest.fixture
def slow() -> Iterator[SlowAnswer]:
    answer = SlowAnswer()
    yield answer
    answer.released.set()


@pytest.fixture
def wide_stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path / "state", workers=WORKERS) as running:
        yield running


def test_slow_endpoints_of_an_account_do_not_delay_another_account(
    server: RawServer, wide_stack: Stack, slow: SlowAnswer
):
    def aws(service: str) -> Any:
        make: Any = wide_stack.session().client
        return make(service, endpoint_url=wide_stack.engine_url)

    many, other = Account(wide_stack, aws, server), Account(wide_stack, aws, server)
    listening = other.add_endpoint("/fast", reply())
    other.wait_until_final(other.publish(), listening)
    for number in range(ENDPOINTS):
        many.add_endpoint(f"/slow/{number}", slow)
    for _ in range(EVENTS):
        many.publish()
    wait_for(lambda: slow.total >= ENDPOINT_GROUPS / 2)
    for _ in range(3):
        delivered = other.wait_until_final(other.publish(), listening)
        assert delivered.status is DeliveryStatus.DELIVERED
        assert slow.total < ENDPOINTS * EVENTS, "all messages of the slow endpoints came before"
    wait_for(lambda: slow.total >= 2 * ENDPOINT_GROUPS)
    assert slow.most <= SHARE
