"""Events about webhooks themselves, in the envelope of all events."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from rushes.jobs.events import Event
from rushes.webhooks.endpoint import Endpoint

DISABLED, TEST = "endpoint.disabled", "webhook.test"


class EndpointEventData(BaseModel):
    """An endpoint that nothing is sent to any more. Its address is left out: it may be a secret."""

    model_config = ConfigDict(frozen=True)

    id: str
    account: str
    name: str
    reason: str
    """failing: nothing but failures for five days. gone: it answered 410."""
    failing_since: datetime | None
    disabled_at: datetime


class EndpointDisabled(Event):
    """Not its owner's wish: it failed for days, or said that it wants nothing more."""

    data: EndpointEventData


class TestFacts(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    """The endpoint's."""
    account: str


class WebhookTest(Event):
    """Sent because somebody asked for it; it is not on the bus."""

    data: TestFacts


def disabled(endpoint: Endpoint, now: float, reason: str) -> dict[str, Any]:
    """The same event each time, for the same series of failures."""
    since = endpoint.failing_since
    facts = EndpointEventData(
        id=endpoint.id,
        account=endpoint.account,
        name=endpoint.description,
        reason=reason,
        failing_since=None if since is None else _moment(since),
        disabled_at=_moment(now),
    )
    event = EndpointDisabled(
        id=f"evt_{endpoint.id}_disabled_{int(now if since is None else since)}",
        type=DISABLED,
        timestamp=_moment(now),
        sequence=1,
        data=facts,
    )
    return event.model_dump(mode="json")


def test(endpoint: Endpoint, now: float, name: str) -> dict[str, Any]:
    """`name` tells one test from the other."""
    event = WebhookTest(
        id=f"evt_test_{name}",
        type=TEST,
        timestamp=_moment(now),
        sequence=1,
        data=TestFacts(id=endpoint.id, account=endpoint.account),
    )
    return event.model_dump(mode="json")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
