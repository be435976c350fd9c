"""Many small jobs, handed in by clients that repeat a call under its key until it is answered."""

import itertools
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from local.api_clients import CALLERS, CallFailedError
from local.stack import Stack

CLIENTS = 8
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.5
SLOW_EVERY, SLOWLY = 3, " [hang-create=1]"
"""One of so many is made at once and answered a second later, for somebody to die meanwhile."""
FILM = {"seconds": 1, "width": 128, "height": 72}
SOUND = {"seconds": 1}
KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("OpenAI", "sandbox-key/sandbox-1", FILM),
    ("OpenAI", "sandbox-lookup/sandbox-1", FILM),
    ("fal", "sandbox-fal/tone", SOUND),
    ("Together", "sandbox-key/sandbox-1", FILM),
    ("Pipelet", "sandbox-lookup/sandbox-1", FILM),
    ("fal", "sandbox-fal/picture", {}),
    ("Tiyaro", "sandbox-pipelet/film", FILM),
    ("Bifrost", "sandbox-lookup/sandbox-1", FILM),
)
"""What is handed in by turns: dialect, model and what is asked for."""


class HandingIn:
    """`accepted` holds the prompts of the jobs that a client was told are accepted."""

    def __init__(self, stack: Stack) -> None:
        self.accepted: dict[str, str] = {}
        """To the model of each."""
        self.repetitions = 0
        self.given_up: Counter[str] = Counter()
        self._stack = stack
        self._run = uuid.uuid4().hex[:8]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._transport = httpx.HTTPTransport(verify=False)

    def hand_in(self, jobs: int, rate: float) -> None:
        """That many, at most `rate` in a second."""
        begun = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number, kind in zip(range(jobs), itertools.cycle(KINDS), strict=False):
                if self._over.wait(max(0.0, begun + number / rate - time.monotonic())):
                    return
                slowly = "" if number % SLOW_EVERY else SLOWLY
                clients.submit(self._one, f"{self._run} number {number}{slowly}", *kind)

    def stop(self) -> None:
        """What has not been handed in is left."""
        self._over.set()

    def _one(self, prompt: str, dialect: str, model: str, ask: dict[str, Any]) -> None:
        key = self._stack.environment()["RUSHES_API_KEY"]
        scheme = "Key" if dialect == "fal" else "Bearer"
        headers = {"authorization": f"{scheme} {key}", "idempotency-key": prompt}
        http = httpx.Client(
            base_url=self._stack.url, headers=headers, timeout=35, transport=self._transport
        )
        deadline, failure = time.monotonic() + PATIENCE_SECONDS, ""
        while time.monotonic() < deadline and not self._over.is_set():
            try:
                CALLERS[dialect](http).create(model, {**ask, "prompt": prompt})
            except (CallFailedError, httpx.TransportError) as error:
                failure = f"{dialect}: {type(error).__name__} {error}"
            else:
                with self._lock:
                    self.accepted[prompt] = model
                return
            with self._lock:
                self.repetitions += 1
            time.sleep(PAUSE_SECONDS)
        with self._lock:
            self.given_up[failure] += 1
