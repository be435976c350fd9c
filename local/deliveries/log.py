"""The delivery log of one endpoint, and sending again, by nothing but the API."""

import time
from dataclasses import dataclass
from typing import Any, Self

import httpx

from local.deliveries.subscriber import Subscriber
from local.stack import Stack

PAGE = 100
SOON_SECONDS = 30.0
"""What is due by then is waited for."""
LOOK_SECONDS = 3.0
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
            reply = self.http.get(f"/webhook_endpoints/{self.endpoint}/attempts", params=query)
            page = reply.raise_for_status().json()
            found += page["data"]
        return found

    def message(self, name: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.http.get(f"/webhook_messages/{name}").raise_for_status().json()
        return shown

    def settled(self, count: int, patience: float) -> list[Logged]:
        """As it is once there are so many deliveries, and none of them is due soon."""
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
            resent = self._resend(asked)
            count += int(resent["resent"])
            if not resent["has_more"]:
                return count
            asked = {**asked, "after": resent["last_id"]}

    def resend(self, message: str) -> None:
        self._resend({"message_id": message})

    def _resend(self, asked: dict[str, Any]) -> dict[str, Any]:
        path = f"/webhook_endpoints/{self.endpoint}/resend"
        resent: dict[str, Any] = self.http.post(path, json=asked).raise_for_status().json()
        return resent


def is_pending(delivery: Logged) -> bool:
    return bool(delivery["status"] == "pending")


def _is_due(delivery: Logged) -> bool:
    """Within moments, or being attempted."""
    return is_pending(delivery) and delivery["next_attempt_at"] < time.time() + SOON_SECONDS
