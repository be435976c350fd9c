"""Clients that create jobs at a fixed rate and repeat each call until it is answered."""

import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx

from local.api_clients import ApiClientError

CLIENTS = 8
MAX_WAIT_SECONDS = 90.0
PAUSE_SECONDS = 0.5
Result = TypeVar("Result")


class RepeatingClients:
    """`create` takes the number of a job; it adds the accepted one to `accepted`."""

    def __init__(self, create: Callable[[int], None]) -> None:
        self._create_job = create
        self.accepted: dict[str, str] = {}
        self.repeated_calls = 0
        self.abandoned: Counter[str] = Counter()
        self.run_id = uuid.uuid4().hex[:8]
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def run(self, jobs: int, rate: float, faults: Sequence[Callable[[], None]]) -> None:
        """Create the jobs, at most `rate` per second, and spread the faults evenly over them."""
        thread = threading.Thread(target=self._create_all, args=(jobs, rate))
        thread.start()
        try:
            for number, cause_fault in enumerate(faults, start=1):
                while thread.is_alive() and len(self.accepted) < jobs * number // (len(faults) + 1):
                    show(f"{len(self.accepted)} of {jobs} jobs accepted")
                    time.sleep(0.1)
                cause_fault()
            thread.join()
        finally:
            self._stopped.set()

    def repeat(self, name: str, call: Callable[[], Result]) -> Result | None:
        """Call until there is no ApiClientError or transport error; return None if abandoned."""
        deadline, failure = time.monotonic() + MAX_WAIT_SECONDS, "stopped"
        while time.monotonic() < deadline and not self._stopped.is_set():
            try:
                return call()
            except (ApiClientError, httpx.TransportError) as error:
                failure = f"{type(error).__name__} {error}"
            with self._lock:
                self.repeated_calls += 1
            time.sleep(PAUSE_SECONDS)
        self.abandon(f"{name}: {failure}")
        return None

    def abandon(self, failure: str) -> None:
        with self._lock:
            self.abandoned[failure] += 1

    def _create_all(self, jobs: int, rate: float) -> None:
        started = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number in range(jobs):
                if self._stopped.wait(max(0.0, started + number / rate - time.monotonic())):
                    return
                clients.submit(self._create_job, number)


def show(progress: str) -> None:
    sys.stderr.write(f"\r{progress:<40}")
    sys.stderr.flush()
