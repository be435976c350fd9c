"""Many of the smallest films: most complete, some fail, some are cancelled, some are others'."""

import itertools
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from local.stack import Stack

CLIENTS = 8
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.5
UNANSWERED = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
FILM = {"model": "sandbox-key/sandbox-1", "seconds": "1", "size": "128x72"}
TO_BE_CANCELLED = "[queue=60]"
DIRECTIVES = ("", "", "[fail]", "", TO_BE_CANCELLED, "", "", "[refuse]", "", "[slow=2]")
"""What is handed in by turns."""
OTHER_ACCOUNTS = 20
"""One job in so many comes a second time, from another account."""


class HandingIn:
    """`accepted` and `other_accounts` hold job ids: of our account and of another."""

    def __init__(self, stack: Stack) -> None:
        self.accepted: set[str] = set()
        self.other_accounts: set[str] = set()
        self.given_up: Counter[str] = Counter()
        environment = stack.environment()
        self._keys = environment["RUSHES_API_KEY"], environment["RUSHES_OTHER_API_KEY"]
        self._run = uuid.uuid4().hex[:8]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._http = httpx.Client(base_url=stack.url, timeout=35, trust_env=False)

    def hand_in(self, jobs: int, rate: float) -> None:
        """That many, at most `rate` in a second."""
        begun = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number, words in zip(range(jobs), itertools.cycle(DIRECTIVES), strict=False):
                if self._over.wait(max(0.0, begun + number / rate - time.monotonic())):
                    return
                clients.submit(self._one, f"number {number} {words}".strip())
                if number % OTHER_ACCOUNTS == 0:
                    clients.submit(self._stranger, f"number {number}")

    def stop(self) -> None:
        """What has not been handed in is left."""
        self._over.set()

    def _one(self, prompt: str) -> None:
        ours, _ = self._keys
        if job_id := self._create(ours, prompt):
            with self._lock:
                self.accepted.add(job_id)
            if TO_BE_CANCELLED in prompt:
                # Refused where it is cancelled already, by a call whose answer was lost.
                self._repeat(ours, "PUT", f"/fal/any/app/requests/{job_id}/cancel")

    def _stranger(self, prompt: str) -> None:
        _, other = self._keys
        if job_id := self._create(other, prompt):
            with self._lock:
                self.other_accounts.add(job_id)

    def _create(self, key: str, prompt: str) -> str | None:
        body = {**FILM, "prompt": prompt}
        reply = self._repeat(key, "POST", "/openai/v1/videos", json=body, name=prompt)
        if reply and reply.is_success:
            return str(reply.json()["id"])
        if reply:
            self._give_up(reply.text[:200])
        return None

    def _repeat(
        self,
        key: str,
        method: str,
        path: str,
        *,
        name: str = "",
        **options: Any,
    ) -> httpx.Response | None:
        """A call, made until it is answered; `name` is its idempotency key. None: it never was."""
        headers = {"authorization": f"Bearer {key}"}
        if name:
            headers["idempotency-key"] = f"{self._run} {name}"
        deadline, failure = time.monotonic() + PATIENCE_SECONDS, "stopped"
        while time.monotonic() < deadline and not self._over.is_set():
            try:
                reply = self._http.request(method, path, headers=headers, **options)
            except UNANSWERED as error:
                failure = f"{type(error).__name__} {error}"
            else:
                if reply.status_code != 429 and reply.status_code < 500:
                    return reply
                failure = f"{reply.status_code} {reply.text[:200]}"
            time.sleep(PAUSE_SECONDS)
        self._give_up(failure)
        return None

    def _give_up(self, failure: str) -> None:
        with self._lock:
            self.given_up[failure] += 1
