"""Delivery log of one endpoint and resend requests, through the API."""

import time
from dataclasses import dataclass
from typing import Any, Self

import httpx

from local.stack import Stack
from rushes.webhooks.payloads import TERMINAL_EVENTS
from tests.webhook_soak.subscriber import Subscriber

PAGE = 100
ATTEMPTS = 2
"""Scheduled attempts to wait for; the third follows after five minutes."""
SOON_SECONDS = 2.0
POLL_SECONDS = 3.0
MAX_CALLS = 5
"""Calls per request that is answered with 5xx."""

Logged = dict[str, Any]
"""Delivery in the API's format."""


class NotIdleError(Exception):
    """Due deliveries were not attempted in time."""


@dataclass(frozen=True)
class DeliveryLog:
    http: httpx.Client
    endpoint: str

    @classmethod
    def of(cls, stack: Stack, subscriber: Subscriber) -> Self:
        """Create an endpoint for all terminal events."""
        key = stack.environment()["RUSHES_API_KEY"]
        headers = {"authorization": f"Bearer {key}"}
        url = f"{stack.url}/v1"
        http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)
        secret = {"signing_secret": subscriber.secret}
        body = {"url": subscriber.url, "event_types": TERMINAL_EVENTS, **secret}
        endpoint = http.post("/webhook_endpoints", json=body).raise_for_status().json()
        return cls(http, endpoint["id"])

    def read(self) -> list[Logged]:
        """Return all deliveries, newest first."""
        found: list[Logged] = []
        page: dict[str, Any] = {"has_more": True}
        while page["has_more"]:
            query = {"limit": PAGE} | ({"after": page["last_id"]} if found else {})
            page = self._call("GET", f"{self._path}/attempts", params=query)
            found += page["data"]
        return found

    def message(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"/webhook_messages/{name}")

    def wait_until_idle(self, count: int, seconds: float) -> list[Logged]:
        """Return the log once it has `count` deliveries and none is due."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.read()
            due = sum(_is_due(delivery) for delivery in found)
            if len(found) >= count and not due:
                return found
            if time.monotonic() > deadline:
                raise NotIdleError(f"{len(found)} deliveries of {count}, {due} of them due")
            time.sleep(POLL_SECONDS)

    def resend_since(self, moment: float) -> int:
        """Resend all messages since then, in several calls if necessary; return their number."""
        count = 0
        body: dict[str, Any] = {"since": int(moment)}
        while True:
            resent = self._call("POST", f"{self._path}/resend", json=body)
            count += int(resent["resent"])
            if not resent["has_more"]:
                return count
            body = {**body, "after": resent["last_id"]}

    def resend(self, message: str) -> None:
        self._call("POST", f"{self._path}/resend", json={"message_id": message})

    @property
    def _path(self) -> str:
        return f"/webhook_endpoints/{self.endpoint}"

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Call the API, with retries after 5xx."""
        reply = self.http.request(method, path, **options)
        for _ in range(1, MAX_CALLS):
            if reply.status_code < 500:
                break
            reply = self.http.request(method, path, **options)
        content: dict[str, Any] = reply.raise_for_status().json()
        return content


def is_pending(delivery: Logged) -> bool:
    return bool(delivery["status"] == "pending")


def _is_due(delivery: Logged) -> bool:
    """Return True if the second attempt is missing or the next one follows within seconds."""
    if not is_pending(delivery):
        return False
    soon = time.time() + SOON_SECONDS
    return len(delivery["attempts"]) < ATTEMPTS or delivery["next_attempt_at"] < soon
