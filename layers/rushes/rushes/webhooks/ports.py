"""What webhooks need of the world outside, beside what the jobs need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rushes.ports import HttpReply
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import Endpoint, RequestSecrets


@dataclass(frozen=True)
class Ticket:
    """A delivery's place in a queue. It may be there more than once: the row decides."""

    account: str
    message_id: str
    receiver: str
    lane: str
    """What is delivered one by one: who hangs holds up only what is in the same lane."""
    version: int
    """Of the row, when it was put there: by it, the same is not put there twice."""


class Endpoints(Protocol):
    def add(self, endpoint: Endpoint) -> None: ...
    def get(self, account: str, endpoint_id: str) -> Endpoint | None: ...
    def all(self, account: str) -> tuple[Endpoint, ...]: ...
    def change(
        self, account: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        """As `Jobs.change`: NotFound where there is none, WriteConflict if others were faster."""
        ...

    def delete(self, account: str, endpoint_id: str) -> None: ...
    def request_secrets(self, account: str) -> RequestSecrets:
        """An account's, made when they are first asked for."""
        ...

    def change_request_secrets(
        self, account: str, change: Callable[[RequestSecrets], RequestSecrets]
    ) -> RequestSecrets: ...


class Deliveries(Protocol):
    def add(self, delivery: Delivery) -> bool:
        """False where there is one of that event to that receiver already."""
        ...

    def get(self, account: str, message_id: str, receiver: str) -> Delivery | None: ...
    def of_message(self, account: str, message_id: str) -> tuple[Delivery, ...]: ...
    def page(self, account: str, receiver: str, limit: int, after: str | None) -> DeliveryPage:
        """An endpoint's, newest first; `after` is the cursor of the last one seen."""
        ...

    def change(
        self,
        account: str,
        message_id: str,
        receiver: str,
        change: Callable[[Delivery], Delivery],
    ) -> Delivery: ...
    def due(self, now: float, limit: int) -> tuple[Delivery, ...]:
        """Those that should be in a queue by now and may not be, the longest forgotten first."""
        ...


class Queue(Protocol):
    def put(self, tickets: Sequence[Ticket]) -> list[int]:
        """To be delivered now; gives the indexes of those that were not taken."""
        ...

    def put_later(self, ticket: Ticket, seconds: float) -> None:
        """To be delivered in so many seconds, at most `LONGEST_DELAY`."""
        ...


LONGEST_DELAY = 900.0
"""Seconds that a queue can keep something back."""


class Notifier(Protocol):
    def notify(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """POST to an address that somebody named; no redirect is followed.

        Raises
        ------
        UpstreamError
            If no answer came; its code says why.
        """
        ...


Writer = Callable[[Delivery], bytes]
"""Puts a delivery's event into the words of its format."""
Speaks = Callable[[str, str], bool]
"""Whether a format has a word for a type of event."""
