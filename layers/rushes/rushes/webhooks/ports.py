"""Protocols of the adapters that webhooks use."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from rushes.ports.http import HttpReply
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import Endpoint, RequestSecrets
from rushes.webhooks.queue_message import DeliveryTask


class EndpointRepository(Protocol):
    def add(self, endpoint: Endpoint) -> bool:
        """Store a new endpoint; return False if the account has `MAX_ENDPOINTS` already.

        Concurrent calls cannot exceed the limit.
        """
        ...

    def get(self, account: str, endpoint_id: str) -> Endpoint | None: ...
    def all(self, account: str) -> tuple[Endpoint, ...]: ...
    def change(
        self, account: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        """Apply `change` to the stored endpoint; raises as `Jobs.change` does."""
        ...

    def delete(self, account: str, endpoint_id: str) -> None: ...
    def request_secrets(self, account: str) -> RequestSecrets | None: ...
    def add_request_secrets(self, secrets: RequestSecrets) -> None:
        """Store the account's first secrets; those of another call remain if it was faster."""
        ...

    def change_request_secrets(
        self, account: str, change: Callable[[RequestSecrets], RequestSecrets]
    ) -> RequestSecrets: ...


class DeliveryRepository(Protocol):
    def add(self, delivery: Delivery) -> bool:
        """Store a new delivery; return False if event and receiver already have one."""
        ...

    def get(self, account: str, message_id: str, receiver: str) -> Delivery | None: ...
    def of_message(self, account: str, message_id: str) -> tuple[Delivery, ...]: ...
    def page(self, account: str, receiver: str, limit: int, after: str | None) -> DeliveryPage:
        """Return an endpoint's deliveries after a cursor, newest first."""
        ...

    def change(
        self, account: str, message_id: str, receiver: str, change: Callable[[Delivery], Delivery]
    ) -> Delivery: ...
    def due(self, now: float, limit: int) -> Iterable[Delivery]:
        """Return deliveries that are due and may be in no queue, the oldest first.

        They are read while the caller iterates. Of each account at most `limit`: one with many does
        not hide those of the others.
        """
        ...


class Queue(Protocol):
    def put(self, tasks: Sequence[DeliveryTask]) -> list[int]:
        """Queue tasks for delivery now; return the indexes of the rejected ones."""
        ...

    def put_later(self, task: DeliveryTask, seconds: float) -> None:
        """Queue a task with a delay of at most `MAX_QUEUE_DELAY`."""
        ...


MAX_QUEUE_DELAY = 900.0
"""Seconds; the limit of SQS."""


class WebhookClient(Protocol):
    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """POST to a client's URL without following redirects.

        Raises
        ------
        UpstreamError
            If there was no response; `error_code` gives the reason.
        """
        ...


class SecretCipher(Protocol):
    """Encrypts signing secrets. `owner` names the receiver, to which a secret is bound."""

    def encrypt(self, text: str, owner: str) -> str: ...
    def decrypt(self, text: str, owner: str) -> str:
        """Raise CorruptRecord if the text was not encrypted for this owner."""
        ...


RenderPayload = Callable[[Delivery], bytes]
SupportsEvent = Callable[[str, str], bool]
"""Takes a payload format and an event type."""
