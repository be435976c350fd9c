"""Rate limits and circuit breakers in the table: one item per provider."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rushes.aws.dynamodb.items import Item, key
from rushes.aws.dynamodb.shared_state import SharedState
from rushes.ports.providers import RateLimit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Result = TypeVar("Result")


class RateLimitTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Reads are current: a pause holds the next create call."""
        self._items = SharedState(client, table, RateLimit, _without_document, is_current=True)

    def get(self, provider: str) -> RateLimit:
        return self._items.get(key("PROVIDER", provider))

    def decide(
        self, provider: str, decide: Callable[[RateLimit], tuple[RateLimit, Result]]
    ) -> Result:
        return self._items.decide(key("PROVIDER", provider), decide, _attributes)


def _attributes(limit: RateLimit) -> Item:
    """Return the attribute that older releases read: create calls may not start before."""
    return {"not_before": {"N": str(max(limit.not_before, limit.pace.next_at))}}


def _without_document(item: Item) -> RateLimit:
    """Read an older release's item. Its open circuit, of a minute at most, delays all jobs."""
    names = ("not_before", "circuit_open_until", "closed_until")
    return RateLimit(not_before=max(float(item.get(name, {}).get("N", 0)) for name in names))
