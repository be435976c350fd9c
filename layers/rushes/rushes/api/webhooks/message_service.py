"""What was sent, what became of it, and sending it again."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from rushes.api.webhooks import samples
from rushes.api.webhooks.event_types import word_of
from rushes.api.webhooks.schemas import LONGEST_ID, Page, ResendRequest
from rushes.errors import InvalidRequest, NotFound, UnknownCursor
from rushes.ports import Clock
from rushes.webhooks import operational_events
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.payloads import ENDINGS, speaks
from rushes.webhooks.ports import Deliveries, Endpoints

PAGE = 100
MOST_RESENT = 200
"""Messages in one call: it has half a minute, and each is a write and a place in a queue."""
TEST_SECONDS = 8.0
"""How long a test waits for its first attempt."""
STEP_SECONDS = 0.2


class Mail(Protocol):
    def send(self, endpoint: Endpoint, event: dict[str, Any]) -> Delivery: ...
    def resend(self, account: str, message_id: str, receiver: str) -> Delivery: ...


@dataclass(frozen=True)
class Resent:
    """How many are due again. `last` is where a range broke off that was too long for one call."""

    count: int
    last: str | None = None


@dataclass(frozen=True)
class MessageService:
    endpoints: Endpoints
    deliveries: Deliveries
    mail: Mail
    clock: Clock
    sleep: Callable[[float], None]

    def page(self, endpoint: Endpoint, page: Page) -> DeliveryPage:
        after = self._cursor(endpoint, page.after) if page.after is not None else None
        return self.deliveries.page(endpoint.account, endpoint.id, page.limit, after)

    def message(self, account: str, message_id: str) -> tuple[Delivery, ...]:
        """All deliveries of one event: to endpoints, and to the address that its request named."""
        is_id = len(message_id) <= LONGEST_ID
        found = self.deliveries.of_message(account, message_id) if is_id else ()
        if not found:
            raise NotFound(f"there is no message {message_id[:200]}", param="message_id")
        return found

    def resend_message(self, account: str, message_id: str) -> Resent:
        """To everybody whom it was for, except endpoints that are disabled or gone."""
        receivers = [it.receiver for it in self.message(account, message_id) if self._open(it)]
        for receiver in receivers:
            self.mail.resend(account, message_id, receiver)
        return Resent(len(receivers))

    def resend(self, endpoint: Endpoint, asked: ResendRequest) -> Resent:
        _check_enabled(endpoint)
        if asked.message_id is None:
            if asked.since is None:
                raise InvalidRequest("message_id or since is missing", param="message_id")
            return self._resend_range(endpoint, asked, asked.since.timestamp())
        if asked.since or asked.until or asked.after:
            raise InvalidRequest("message_id is one message, and no range", param="message_id")
        self._find(endpoint, asked.message_id)
        self.mail.resend(endpoint.account, asked.message_id, endpoint.id)
        return Resent(1)

    def test(self, endpoint: Endpoint, event_type: str | None) -> Delivery:
        """Send a message at once; its first attempt is waited for, though not for long."""
        _check_enabled(endpoint)
        sent = self.mail.send(endpoint, self._test_event(endpoint, event_type))
        give_up = self.clock() + TEST_SECONDS
        while not sent.attempts and self.clock() < give_up:
            self.sleep(STEP_SECONDS)
            found = self.deliveries.get(sent.account, sent.message_id, sent.receiver)
            sent = found or sent
        return sent

    def _resend_range(self, endpoint: Endpoint, asked: ResendRequest, since: float) -> Resent:
        """Newest first, as many as one call can; tests are nothing that was missed."""
        count, last = 0, None
        for delivery in self._since(endpoint, since, self._begin(endpoint, asked)):
            if count == MOST_RESENT:
                return Resent(count, last)
            self.mail.resend(endpoint.account, delivery.message_id, endpoint.id)
            count, last = count + 1, delivery.message_id
        return Resent(count)

    def _begin(self, endpoint: Endpoint, asked: ResendRequest) -> str | None:
        """The cursor of a range's newer end, which does not belong to it."""
        if asked.after is not None:
            return self._cursor(endpoint, asked.after)
        return f"{asked.until.timestamp():017.3f}#" if asked.until else None

    def _since(self, endpoint: Endpoint, since: float, after: str | None) -> Iterator[Delivery]:
        while True:
            page = self.deliveries.page(endpoint.account, endpoint.id, PAGE, after)
            for delivery in page.deliveries:
                if delivery.created_at < since:
                    return
                if not delivery.is_test:
                    yield delivery
            if not page.has_more:
                return
            after = page.deliveries[-1].cursor

    def _test_event(self, endpoint: Endpoint, event_type: str | None) -> dict[str, Any]:
        """In the bus's words, from a type in the format's own."""
        name = secrets.token_hex(10)
        if event_type == operational_events.TEST or (
            event_type is None and endpoint.format == "rushes"
        ):
            if not speaks(endpoint.format, operational_events.TEST):
                raise InvalidRequest(
                    f"event_type: {endpoint.format} has no word for it", param="event_type"
                )
            return operational_events.test(endpoint, self.clock(), name)
        known = [it for it in samples.TYPES if speaks(endpoint.format, it)]
        wanted = event_type or word_of(endpoint.format, ENDINGS[0])
        for kind in known:
            if wanted in (kind, word_of(endpoint.format, kind)):
                return samples.sample(kind, endpoint.account, f"job_test_{name}", self.clock())
        words = dict.fromkeys(word_of(endpoint.format, it) for it in known)
        raise InvalidRequest(
            f"event_type: {wanted[:80]} is none of {', '.join(words)}", param="event_type"
        )

    def _find(self, endpoint: Endpoint, message_id: str) -> Delivery:
        found = self.deliveries.get(endpoint.account, message_id, endpoint.id)
        if found is None:
            raise NotFound(
                f"there is no message {message_id[:200]} to {endpoint.id}", param="message_id"
            )
        return found

    def _cursor(self, endpoint: Endpoint, message_id: str) -> str:
        found = self.deliveries.get(endpoint.account, message_id, endpoint.id)
        if found is None:
            raise UnknownCursor("after is no message to this endpoint", param="after")
        return found.cursor

    def _open(self, delivery: Delivery) -> bool:
        if delivery.endpoint_id is None:
            return True
        endpoint = self.endpoints.get(delivery.account, delivery.endpoint_id)
        return endpoint is not None and endpoint.is_enabled


def _check_enabled(endpoint: Endpoint) -> None:
    if not endpoint.is_enabled:
        raise InvalidRequest(
            f"{endpoint.id} is disabled: enable it first, with status", code="endpoint_disabled"
        )
