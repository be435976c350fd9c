"""Capacity units by the examples and rules of AWS's documentation."""

import pytest

from bench.dynamodb_units import Index, index_writes, indexes, read_units, size, write_units

KEYS = {"pk": {"S": "a"}, "sk": {"S": "b"}}
DUE = Index("due", ("due_pk", "due_sk"), frozenset({"pk", "sk", "due_pk", "due_sk"}))
ALL = Index("due", ("due_pk", "due_sk"), None)


def due(at: int, **attributes: str) -> dict[str, dict[str, str]]:
    values = {name: {"S": value} for name, value in attributes.items()}
    return {**KEYS, "due_pk": {"S": "open#1"}, "due_sk": {"N": str(at)}, **values}


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        ({"S": "text"}, 4),
        ({"S": "größe"}, 7),
        ({"S": ""}, 0),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "1790000000"}, 3),
        ({"N": "1790000000.25"}, 7),
        ({"N": "-12"}, 3),
        ({"B": b"abc"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["read", "submit"]}, 10),
        ({"M": {}}, 3),
        ({"M": {"team": {"S": "ads"}, "a": {"S": "é"}}}, 3 + (4 + 3 + 1) + (1 + 2 + 1)),
    ],
)
def test_size_is_name_and_value(value: dict[str, object], bytes_: int):
    assert size({"name": value}) == 4 + bytes_


@pytest.mark.parametrize(("bytes_", "units"), [(1, 1), (1024, 1), (1025, 2), (3072, 3)])
def test_write_takes_a_unit_per_kilobyte(bytes_: int, units: int):
    item = {"a": {"S": "x" * (bytes_ - 1)}}
    assert write_units(None, item) == units


def test_write_costs_the_larger_image():
    small, large = {"a": {"S": "x"}}, {"a": {"S": "x" * 5000}}
    assert write_units(large, small) == write_units(small, large) == 5
    assert write_units(large, None) == 5
    assert write_units(None, None) == 1


@pytest.mark.parametrize(
    ("sizes", "units"), [((), 1), ((4096,), 1), ((4097,), 2), ((1500, 6500), 2)]
)
def test_read_takes_a_unit_per_four_kilobytes_of_all_items(sizes: tuple[int, ...], units: int):
    items = [{"a": {"S": "x" * (one - 1)}} for one in sizes]
    assert read_units(items, consistent=True) == units
    assert read_units(items, consistent=False) == units / 2


@pytest.mark.parametrize("index", [DUE, ALL])
def test_index_is_written_when_an_entry_comes_changes_its_key_or_goes(index: Index):
    assert index_writes(index, None, due(1)) == [("open#1", 1)]
    assert index_writes(index, due(1), due(2)) == [("open#1", 1), ("open#1", 1)]
    assert index_writes(index, due(1), KEYS) == [("open#1", 1)]
    assert index_writes(index, due(1), None) == [("open#1", 1)]
    assert index_writes(index, KEYS, KEYS) == []


def test_moving_to_another_partition_costs_in_both():
    moved = due(1) | {"due_pk": {"S": "urgent#2"}}
    assert index_writes(DUE, due(1), moved) == [("open#1", 1), ("urgent#2", 1)]


def test_attribute_outside_the_projection_costs_nothing():
    before, after = due(1, document="x" * 3000), due(1, document="y" * 3000)
    assert index_writes(DUE, before, after) == []
    assert index_writes(ALL, before, after) == [("open#1", 3)]


def test_changed_key_of_a_wide_index_costs_the_whole_item_twice():
    before, after = due(1, document="x" * 32_000), due(2, document="x" * 32_000)
    assert index_writes(ALL, before, after) == [("open#1", 32), ("open#1", 32)]
    assert index_writes(DUE, before, after) == [("open#1", 1), ("open#1", 1)]


@pytest.mark.parametrize(
    ("projection", "projected"),
    [
        ({"ProjectionType": "ALL"}, None),
        ({"ProjectionType": "KEYS_ONLY"}, {"pk", "sk", "list_pk"}),
        (
            {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["status"]},
            {"pk", "sk", "list_pk", "status"},
        ),
    ],
)
def test_projections_of_the_template(projection: dict[str, object], projected: set[str] | None):
    table = {
        "KeySchema": [{"AttributeName": "pk"}, {"AttributeName": "sk"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_owner",
                "KeySchema": [{"AttributeName": "list_pk"}],
                "Projection": projection,
            }
        ],
    }
    (index,) = indexes(table)
    assert (index.name, index.keys) == ("by_owner", ("list_pk",))
    assert index.projected == projected
