"""In-memory adapters of webhooks; integration tests run the same cases on the real ones."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from botocore.exceptions import ClientError

from rushes.aws.webhook_cipher import WebhookCipher
from rushes.errors import NotFound, WriteConflict
from rushes.fair_order import Shares
from rushes.jobs.events import has_type
from rushes.ports.http import HttpReply
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import MAX_ENDPOINTS, Endpoint, RequestSecrets
from rushes.webhooks.ports import EndpointRepository
from rushes.webhooks.queue_message import DeliveryTask
from rushes.webhooks.signing_secrets import SigningSecrets

Stored = TypeVar("Stored", Endpoint, RequestSecrets, Delivery)


@dataclass
class FakeItems(Generic[Stored]):
    """Documents by key. `before_write` runs once between the read and the write of a change."""

    documents: dict[tuple[str, ...], Stored] = field(default_factory=dict)
    before_write: Callable[[], object] | None = None

    def change(self, key: tuple[str, ...], change: Callable[[Stored], Stored]) -> Stored:
        for _ in range(8):
            before = self.documents.get(key)
            if before is None:
                raise NotFound("record not found")
            after = change(before)
            if after is before:
                return after
            interference, self.before_write = self.before_write, None
            if interference:
                interference()
            if key in self.documents and self.documents[key].version == before.version:
                self.documents[key] = type(after).model_validate_json(after.model_dump_json())
                return after
        raise WriteConflict("the record is being changed by other requests")


class FakeKeySecret:
    """Secrets Manager with the versions of one secret. `reads` are the requested versions."""

    def __init__(self) -> None:
        self.versions = {"version-1": "first key"}
        self.reads: list[str | None] = []

    def put(self, value: str) -> None:
        """Make `value` the current version."""
        self.versions[f"version-{len(self.versions) + 1}"] = value

    def get_secret_value(self, **request: str) -> dict[str, str]:
        self.reads.append(request.get("VersionId"))
        version = request.get("VersionId") or [*self.versions][-1]
        if version not in self.versions:
            error: Any = {"Error": {"Code": "ResourceNotFoundException"}}
            raise ClientError(error, "GetSecretValue")
        return {"VersionId": version, "SecretString": self.versions[version]}


def signing_secrets(
    endpoints: EndpointRepository, key: FakeKeySecret | None = None
) -> SigningSecrets:
    """Return the real encryption with a key from memory."""
    client: Any = key or FakeKeySecret()
    return SigningSecrets(endpoints, WebhookCipher(lambda: client, "key"))


class FakeEndpoints:
    def __init__(self) -> None:
        self.items = FakeItems[Endpoint]()
        self.secrets = FakeItems[RequestSecrets]()
        self.added = Counter[str]()
        """Endpoints ever added, by account."""

    def add(self, endpoint: Endpoint) -> bool:
        if (endpoint.account, endpoint.id) in self.items.documents:
            raise WriteConflict(f"endpoint {endpoint.id} exists")
        if len(self.all(endpoint.account)) >= MAX_ENDPOINTS:
            return False
        number = self.added[endpoint.account]
        self.added[endpoint.account] += 1
        numbered = endpoint.model_copy(update={"number": number})
        self.items.documents[endpoint.account, endpoint.id] = numbered
        return True

    def get(self, account: str, endpoint_id: str) -> Endpoint | None:
        return self.items.documents.get((account, endpoint_id))

    def all(self, account: str) -> tuple[Endpoint, ...]:
        found = sorted(self.items.documents.items())
        return tuple(endpoint for (owner, _), endpoint in found if owner == account)

    def change(
        self, account: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        return self.items.change((account, endpoint_id), change)

    def delete(self, account: str, endpoint_id: str) -> None:
        self.items.documents.pop((account, endpoint_id), None)

    def request_secrets(self, account: str) -> RequestSecrets | None:
        return self.secrets.documents.get((account,))

    def add_request_secrets(self, secrets: RequestSecrets) -> None:
        self.secrets.documents.setdefault((secrets.account,), secrets)

    def change_request_secrets(
        self, account: str, change: Callable[[RequestSecrets], RequestSecrets]
    ) -> RequestSecrets:
        return self.secrets.change((account,), change)


class FakeDeliveries:
    def __init__(self) -> None:
        self.items = FakeItems[Delivery]()

    def add(self, delivery: Delivery) -> bool:
        key = (delivery.account, delivery.message_id, delivery.receiver)
        return self.items.documents.setdefault(key, delivery) is delivery

    def get(self, account: str, message_id: str, receiver: str) -> Delivery | None:
        return self.items.documents.get((account, message_id, receiver))

    def of_message(self, account: str, message_id: str) -> tuple[Delivery, ...]:
        found = sorted(self.items.documents.items())
        return tuple(delivery for key, delivery in found if key[:2] == (account, message_id))

    def page(
        self, account: str, receiver: str, limit: int, after: str | None = None
    ) -> DeliveryPage:
        owned = [one for one in self.all() if (one.account, one.endpoint_id) == (account, receiver)]
        found = [one for one in owned if after is None or one.cursor < after]
        found.sort(key=lambda one: one.cursor, reverse=True)
        return DeliveryPage(deliveries=tuple(found[:limit]), has_more=len(found) > limit)

    def change(
        self, account: str, message_id: str, receiver: str, change: Callable[[Delivery], Delivery]
    ) -> Delivery:
        return self.items.change((account, message_id, receiver), change)

    def due(self, now: float, limit: int) -> Iterable[Delivery]:
        checks = [(one.next_check_at, one.id, one) for one in self.all() if one.next_check_at]
        found = [one for next_check_at, _, one in sorted(checks) if next_check_at <= now]
        shares = Shares(limit)
        return (one for one in found if shares.take(one.account, one.receiver))

    def all(self) -> list[Delivery]:
        return list(self.items.documents.values())


class FakeQueue:
    """`now` holds tasks without delay, `later` tasks with their delay in seconds."""

    def __init__(self) -> None:
        self.now: list[DeliveryTask] = []
        self.later: list[tuple[DeliveryTask, float]] = []
        self.rejected: list[int] = []
        self.error: Exception | None = None

    def put(self, tasks: Sequence[DeliveryTask]) -> list[int]:
        if self.error:
            raise self.error
        self.now += [task for index, task in enumerate(tasks) if index not in self.rejected]
        return self.rejected

    def put_later(self, task: DeliveryTask, seconds: float) -> None:
        if self.error:
            raise self.error
        self.later.append((task, seconds))


class FakeBus:
    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.rejects = False
        self.error: Exception | None = None

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        if self.error:
            raise self.error
        rejected = [
            index for index, event in enumerate(events) if self.rejects or not has_type(event)
        ]
        self.events += [event for index, event in enumerate(events) if index not in rejected]
        return rejected


@dataclass(frozen=True)
class Posted:
    url: str
    headers: Mapping[str, str]
    body: bytes


class FakeWebhookClient:
    """Returns or raises `answers` in turn, and repeats the last one."""

    def __init__(self, *answers: HttpReply | Exception | int) -> None:
        self.answers = list(answers) or [200]
        self.posts: list[Posted] = []
        self.during: Callable[[], object] | None = None
        """Called during each POST."""

    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        self.posts.append(Posted(url, headers, body))
        if self.during:
            self.during()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return HttpReply(answer, {}, b"") if isinstance(answer, int) else answer
