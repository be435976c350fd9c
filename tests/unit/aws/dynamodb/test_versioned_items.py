"""Queries and reads over corrupt items."""

from typing import Any

import pytest

from rushes.aws.dynamodb.versioned_items import VersionedItems
from rushes.errors import CorruptRecord
from rushes.webhooks.endpoint import Endpoint
from tests.unit.webhooks.harness import endpoint

CORRUPT: dict[str, dict[str, Any]] = {
    "no document": {"pk": {"S": "ENDPOINTS#one"}},
    "of another type": {"pk": {"S": "ENDPOINTS#one"}, "document": {"N": "5"}},
    "no JSON": {"pk": {"S": "ENDPOINTS#one"}, "document": {"S": "{"}},
    "lacking a field": {"pk": {"S": "ENDPOINTS#one"}, "document": {"S": '{"id": "we_9"}'}},
    "no text": {"pk": {"S": "ENDPOINTS#one"}, "document": "{}"},
}


class Pages:
    """Fake client whose queries return one item per page."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows

    def query(self, ExclusiveStartKey: int = 0, **_: object) -> dict[str, Any]:  # noqa: N803 - AWS
        page: dict[str, Any] = {"Items": [self.rows[ExclusiveStartKey]]}
        if ExclusiveStartKey + 1 < len(self.rows):
            page["LastEvaluatedKey"] = ExclusiveStartKey + 1
        return page

    def get_item(self, **_: object) -> dict[str, Any]:
        return {"Item": self.rows[0]}


def attributes(model: Endpoint) -> dict[str, Any]:
    return {"pk": {"S": f"ENDPOINTS#{model.account}"}, "sk": {"S": model.id}}


def item_of(model: Endpoint) -> dict[str, Any]:
    return {**attributes(model), "document": {"S": model.model_dump_json()}}


def documents(*rows: dict[str, Any]) -> VersionedItems[Endpoint]:
    table: Any = Pages(*rows)
    return VersionedItems(table, "table", Endpoint, attributes)


@pytest.mark.parametrize("corrupt", CORRUPT.values(), ids=CORRUPT)
def test_query_skips_corrupt_items(corrupt: dict[str, Any]) -> None:
    first, second = endpoint("we_1"), endpoint("we_2")
    items = documents(corrupt, item_of(first), corrupt, item_of(second), corrupt)
    assert list(items.query()) == [first, second]


@pytest.mark.parametrize("corrupt", CORRUPT.values(), ids=CORRUPT)
def test_get_raises_corrupt_record(corrupt: dict[str, Any]) -> None:
    with pytest.raises(CorruptRecord):
        documents(corrupt).get({})
