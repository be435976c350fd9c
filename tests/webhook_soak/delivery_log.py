"""The delivery log of one endpoint, and sending again, by nothing but the API."""

import time
from dataclasses import dataclass
from typing import Any, Self

import httpx

from local.stack import Stack
from tests.webhook_soak.subscriber import Subscriber

PAGE = 100
ATTEMPTS = 2
"""Of the schedule, which are waited for: seconds apart. The third is after five minutes."""
SOON_SECONDS = 2.0
LOOK_SECONDS = 3.0
CALLS = 5
"""How often one is made that is answered with 5xx."""
ENDINGS = ["job.completed", "job.failed", "job.cancelled"]

Logged = dict[str, Any]
"""A delivery as the log shows it."""


class NotSettledError(Exception):
    """Deliveries that should have been attempted were not."""


@dataclass(frozen=True)
class DeliveryLog:
    http: httpx.Client
    endpoint: str

    @classmethod
    def of(cls, stack: Stack, subscriber: Subscriber) -> Self:
        """A new endpoint's, which hears of every ending."""
        key = stack.environment()["RUSHES_API_KEY"]
        http = httpx.Client(
            base_url=f"{stack.url}/v1",
            headers={"authorization": f"Bearer {key}"},
            timeout=60,
            trust_env=False,
        )
        asked = {"url": subscriber.url, "event_types": ENDINGS, "signing_secret": subscriber.secret}
        made = http.post("/webhook_endpoints", json=asked).raise_for_status().json()
        return cls(http, made["id"])

    def read(self) -> list[Logged]:
        """All of it, newest first."""
        found: list[Logged] = []
        page: dict[str, Any] = {"has_more": True}
        while page["has_more"]:
            query = {"limit": PAGE} | ({"after": page["last_id"]} if found else {})
            page = self._call("GET", f"{self._path}/attempts", params=query)
            found += page["data"]
        return found

    def message(self, name: str) -> dict[str, Any]:
        return self._call("GET", f"/webhook_messages/{name}")

    def settled(self, count: int, patience: float) -> list[Logged]:
        """As it is once there are so many deliveries, and none of them is due."""
        deadline = time.monotonic() + patience
        while True:
            found = self.read()
            due = sum(_is_due(delivery) for delivery in found)
            if len(found) >= count and not due:
                return found
            if time.monotonic() > deadline:
                raise NotSettledError(f"{len(found)} deliveries of {count}, {due} of them due")
            time.sleep(LOOK_SECONDS)

    def resend_since(self, moment: float) -> int:
        """Everything since then; a call takes a part of a long range, and says where it ended."""
        count = 0
        asked: dict[str, Any] = {"since": int(moment)}
        while True:
            resent = self._call("POST", f"{self._path}/resend", json=asked)
            count += int(resent["resent"])
            if not resent["has_more"]:
                return count
            asked = {**asked, "after": resent["last_id"]}

    def resend(self, message: str) -> None:
        self._call("POST", f"{self._path}/resend", json={"message_id": message})

    @property
    def _path(self) -> str:
        return f"/webhook_endpoints/{self.endpoint}"

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The answer, asked for again where it is that the service cannot answer at the moment."""
        reply = self.http.request(method, path, **options)
        for _ in range(1, CALLS):
            if reply.status_code < 500:
                break
            reply = self.http.request(method, path, **options)
        answer: dict[str, Any] = reply.raise_for_status().json()
        return answer


def is_pending(delivery: Logged) -> bool:
    return bool(delivery["status"] == "pending")


def _is_due(delivery: Logged) -> bool:
    """In moments, or its second attempt is still to come, or one is being made."""
    if not is_pending(delivery):
        return False
    soon = time.time() + SOON_SECONDS
    return len(delivery["attempts"]) < ATTEMPTS or delivery["next_attempt_at"] < soon
