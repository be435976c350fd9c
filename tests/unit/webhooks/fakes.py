"""The ports of webhooks in memory: working, small, held to the real ones by integration tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rushes.errors import NotFound, WriteConflict
from rushes.ports import HttpReply
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import Endpoint, RequestSecrets, Secret
from rushes.webhooks.ports import Ticket
from rushes.webhooks.signature import new_secret

Kept = TypeVar("Kept", Endpoint, RequestSecrets, Delivery)


@dataclass
class Rows:
    """Documents by key. `before_write` is called between a change's reading and its writing."""

    rows: dict[tuple[str, ...], Any] = field(default_factory=dict)
    before_write: Callable[[], object] | None = None

    def change(self, key: tuple[str, ...], change: Callable[[Any], Any]) -> Any:
        for _ in range(8):
            before = self.rows.get(key)
            if before is None:
                raise NotFound("there is nothing of that name")
            after = change(before)
            if after is before:
                return after
            interference, self.before_write = self.before_write, None
            if interference:
                interference()
            if key in self.rows and self.rows[key].version == before.version:
                self.rows[key] = type(after).model_validate_json(after.model_dump_json())
                return after
        raise WriteConflict("it is being written to by others")


class FakeEndpoints:
    def __init__(self) -> None:
        self.kept = Rows()
        self.secrets = Rows()

    def add(self, endpoint: Endpoint) -> None:
        if (endpoint.account, endpoint.id) in self.kept.rows:
            raise WriteConflict(f"there is an endpoint {endpoint.id} already")
        self.kept.rows[endpoint.account, endpoint.id] = endpoint

    def get(self, account: str, endpoint_id: str) -> Endpoint | None:
        return self.kept.rows.get((account, endpoint_id))

    def all(self, account: str) -> tuple[Endpoint, ...]:
        found = sorted(self.kept.rows.items())
        return tuple(endpoint for (owner, _), endpoint in found if owner == account)

    def change(
        self, account: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        changed: Endpoint = self.kept.change((account, endpoint_id), change)
        return changed

    def delete(self, account: str, endpoint_id: str) -> None:
        self.kept.rows.pop((account, endpoint_id), None)

    def request_secrets(self, account: str) -> RequestSecrets:
        new = RequestSecrets(account=account, secrets=(Secret(value=new_secret()),))
        kept: RequestSecrets = self.secrets.rows.setdefault((account,), new)
        return kept

    def change_request_secrets(
        self, account: str, change: Callable[[RequestSecrets], RequestSecrets]
    ) -> RequestSecrets:
        self.request_secrets(account)
        changed: RequestSecrets = self.secrets.change((account,), change)
        return changed


class FakeDeliveries:
    def __init__(self) -> None:
        self.kept = Rows()

    def add(self, delivery: Delivery) -> bool:
        key = (delivery.account, delivery.message_id, delivery.receiver)
        return self.kept.rows.setdefault(key, delivery) is delivery

    def get(self, account: str, message_id: str, receiver: str) -> Delivery | None:
        return self.kept.rows.get((account, message_id, receiver))

    def of_message(self, account: str, message_id: str) -> tuple[Delivery, ...]:
        found = sorted(self.kept.rows.items())
        return tuple(it for key, it in found if key[:2] == (account, message_id))

    def page(
        self, account: str, receiver: str, limit: int, after: str | None = None
    ) -> DeliveryPage:
        found = [
            it
            for it in self.everything()
            if (it.account, it.endpoint_id) == (account, receiver)
            and (after is None or it.cursor < after)
        ]
        found.sort(key=lambda it: it.cursor, reverse=True)
        return DeliveryPage(deliveries=tuple(found[:limit]), has_more=len(found) > limit)

    def change(
        self,
        account: str,
        message_id: str,
        receiver: str,
        change: Callable[[Delivery], Delivery],
    ) -> Delivery:
        changed: Delivery = self.kept.change((account, message_id, receiver), change)
        return changed

    def due(self, now: float, limit: int) -> tuple[Delivery, ...]:
        found = [
            it
            for it in self.everything()
            if it.next_check_at is not None and it.next_check_at <= now
        ]
        return tuple(sorted(found, key=lambda it: it.next_check_at or 0.0)[:limit])

    def everything(self) -> list[Delivery]:
        return list(self.kept.rows.values())


class FakeQueue:
    """`now` is what can be delivered, `later` what is kept back, with its seconds."""

    def __init__(self) -> None:
        self.now: list[Ticket] = []
        self.later: list[tuple[Ticket, float]] = []
        self.refused: list[int] = []
        self.trouble: Exception | None = None

    def put(self, tickets: Sequence[Ticket]) -> list[int]:
        if self.trouble:
            raise self.trouble
        self.now += [it for index, it in enumerate(tickets) if index not in self.refused]
        return self.refused

    def put_later(self, ticket: Ticket, seconds: float) -> None:
        if self.trouble:
            raise self.trouble
        self.later.append((ticket, seconds))


class FakeBus:
    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.refuses = False
        self.trouble: Exception | None = None

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        if self.trouble:
            raise self.trouble
        if self.refuses:
            return list(range(len(events)))
        self.events += events
        return []


@dataclass(frozen=True)
class Posted:
    url: str
    headers: Mapping[str, str]
    body: bytes


class FakeNotifier:
    """Answers with `answers`, one after the other; the last one is given for ever."""

    def __init__(self, *answers: HttpReply | Exception | int) -> None:
        self.answers = list(answers) or [200]
        self.posts: list[Posted] = []
        self.during: Callable[[], object] | None = None
        """Called while a POST is on its way."""

    def notify(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        self.posts.append(Posted(url, headers, body))
        if self.during:
            self.during()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return HttpReply(answer, {}, b"") if isinstance(answer, int) else answer
