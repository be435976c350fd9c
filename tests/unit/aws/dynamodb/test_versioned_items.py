"""Rows that are documents, where somebody has damaged one."""

from typing import Any

import pytest

from rushes.aws.dynamodb.versioned_items import VersionedItems
from rushes.aws.dynamodb.webhooks import _endpoint_row
from rushes.errors import CorruptRecord
from rushes.webhooks.endpoint import Endpoint
from tests.unit.webhooks.harness import endpoint

DAMAGED: dict[str, dict[str, Any]] = {
    "no document": {"pk": {"S": "ENDPOINTS#one"}},
    "of another type": {"pk": {"S": "ENDPOINTS#one"}, "document": {"N": "5"}},
    "no JSON": {"pk": {"S": "ENDPOINTS#one"}, "document": {"S": "{"}},
    "lacking a field": {"pk": {"S": "ENDPOINTS#one"}, "document": {"S": '{"id": "we_9"}'}},
    "no text": {"pk": {"S": "ENDPOINTS#one"}, "document": "{}"},
}


class Pages:
    """A table that answers with one row at a time, whatever it is asked."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows

    def query(self, ExclusiveStartKey: int = 0, **_: object) -> dict[str, Any]:  # noqa: N803 - AWS
        page: dict[str, Any] = {"Items": [self.rows[ExclusiveStartKey]]}
        if ExclusiveStartKey + 1 < len(self.rows):
            page["LastEvaluatedKey"] = ExclusiveStartKey + 1
        return page

    def get_item(self, **_: object) -> dict[str, Any]:
        return {"Item": self.rows[0]}


def whole(it: Endpoint) -> dict[str, Any]:
    return {**_endpoint_row(it), "document": {"S": it.model_dump_json()}}


def documents(*rows: dict[str, Any]) -> VersionedItems[Endpoint]:
    table: Any = Pages(*rows)
    return VersionedItems(table, "table", Endpoint, _endpoint_row)


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_row_does_not_stop_the_others(damaged: dict[str, Any]) -> None:
    first, second = endpoint("we_1"), endpoint("we_2")
    kept = documents(damaged, whole(first), damaged, whole(second), damaged)
    assert list(kept.query()) == [first, second]


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_who_asks_for_the_damaged_one_is_told(damaged: dict[str, Any]) -> None:
    with pytest.raises(CorruptRecord):
        documents(damaged).get({})
