"""Events about webhook endpoints, in the same envelope as job events."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from rushes.jobs.events import Event
from rushes.jobs.times import utc_time
from rushes.webhooks.endpoint import Endpoint

DISABLED, TEST = "endpoint.disabled", "webhook.test"


class EndpointEventData(BaseModel):
    """A disabled endpoint. The URL is left out, because it may contain a secret."""

    model_config = ConfigDict(frozen=True)

    id: str
    account: str
    name: str
    reason: str
    """failing: five days of failures only. gone: the endpoint answered 410."""
    failing_since: datetime | None
    disabled_at: datetime


class EndpointDisabled(Event):
    """Published when Rushes disables an endpoint; not when its owner does."""

    data: EndpointEventData


class WebhookTestData(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    """Id of the endpoint."""
    account: str


class WebhookTest(Event):
    """Sent by a request to test an endpoint; never published to the bus."""

    data: WebhookTestData


def endpoint_disabled(endpoint: Endpoint, now: float, reason: str) -> dict[str, Any]:
    """Return the event; its id is the same for the same series of failures."""
    since = endpoint.failing_since
    event = EndpointDisabled(
        id=f"evt_{endpoint.id}_disabled_{int(now if since is None else since)}",
        type=DISABLED,
        timestamp=utc_time(now),
        sequence=1,
        data=EndpointEventData(
            id=endpoint.id,
            account=endpoint.account,
            name=endpoint.description,
            reason=reason,
            failing_since=None if since is None else utc_time(since),
            disabled_at=utc_time(now),
        ),
    )
    return event.model_dump(mode="json")


def webhook_test(endpoint: Endpoint, now: float, name: str) -> dict[str, Any]:
    """Return the event; `name` makes its id unique."""
    event = WebhookTest(
        id=f"evt_test_{name}",
        type=TEST,
        timestamp=utc_time(now),
        sequence=1,
        data=WebhookTestData(id=endpoint.id, account=endpoint.account),
    )
    return event.model_dump(mode="json")
