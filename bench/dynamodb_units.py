"""Capacity units of DynamoDB requests, by AWS's published rules.

Sizes:   docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
Units:   docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
Indexes: docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html (write considerations)
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""Attributes as boto3's client has them: `{"pk": {"S": "…"}}`."""

WRITE_UNIT, READ_UNIT = 1024, 4096
"""Bytes per unit."""
STORAGE_OVERHEAD = 100
"""Bytes billed with each stored item, and with each entry of an index."""
TRANSACTION_FACTOR = 2
"""DynamoDB prepares and commits each item of a transaction; its indexes are written once."""


@dataclass(frozen=True)
class Index:
    """A global secondary index. `projected` is None if it has all attributes."""

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None

    def image(self, item: Item | None) -> Item | None:
        """Return the entry of an item; None if it lacks a key, as in a sparse index."""
        if item is None or not all(key in item for key in self.keys):
            return None
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}

    def partition(self, entry: Item) -> str:
        return text(entry[self.keys[0]])


def indexes(table: Mapping[str, Any]) -> tuple[Index, ...]:
    """Read the indexes from the properties of a table in the template."""
    table_keys = [key["AttributeName"] for key in table["KeySchema"]]
    return tuple(_index(index, table_keys) for index in table["GlobalSecondaryIndexes"])


def _index(index: Mapping[str, Any], table_keys: Sequence[str]) -> Index:
    keys = tuple(key["AttributeName"] for key in index["KeySchema"])
    projection = index["Projection"]
    included = (*table_keys, *keys, *projection.get("NonKeyAttributes", ()))
    projected = None if projection["ProjectionType"] == "ALL" else frozenset(included)
    return Index(index["IndexName"], keys, projected)


def write_units(before: Item | None, after: Item | None) -> int:
    """Return the units of a put, update or delete: of the larger of the two images."""
    return _units(max(size(before), size(after)), WRITE_UNIT)


def index_writes(index: Index, before: Item | None, after: Item | None) -> list[tuple[str, int]]:
    """Return partition and units of each write to the index.

    A changed key deletes one entry and puts another; an unchanged entry costs nothing.
    """
    old, new = index.image(before), index.image(after)
    if old == new:
        return []
    if old is not None and new is not None and _key(index, old) == _key(index, new):
        return [(index.partition(new), write_units(old, new))]
    return [(index.partition(entry), write_units(entry, None)) for entry in (old, new) if entry]


def read_units(items: Iterable[Item], *, consistent: bool) -> float:
    """Return the units of one read: a get of an item, or a query of several."""
    units = _units(sum(size(item) for item in items), READ_UNIT)
    return units if consistent else units / 2


def size(item: Item | None) -> int:
    return sum(_length(name) + _size(value) for name, value in (item or {}).items())


def text(value: Mapping[str, Any]) -> str:
    """Return the value of a key."""
    return str(next(iter(value.values())))


def _units(bytes_: int, unit: int) -> int:
    return max(1, math.ceil(bytes_ / unit))


def _key(index: Index, entry: Item) -> list[str]:
    return [text(entry[name]) for name in index.keys]


def _size(value: Mapping[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    return SIZES[kind](content)


def _number_size(number: str) -> int:
    """A byte for two significant digits, and one more; a negative sign takes another."""
    value = Decimal(number)
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    return math.ceil(len(digits) / 2) + 1 + (value < 0)


def _length(text: str) -> int:
    return len(text.encode())


def _map_size(members: Mapping[str, Mapping[str, Any]]) -> int:
    """A map takes 3 bytes, and one for each member besides its name and value."""
    return 3 + size(members) + len(members)


SIZES: Mapping[str, Callable[[Any], int]] = {
    "S": _length,
    "N": _number_size,
    "B": len,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "M": _map_size,
    "SS": lambda texts: sum(map(_length, texts)),
}
"""By type; the table has no lists: documents are JSON texts."""
