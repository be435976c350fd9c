"""Counters in moto's table."""

from rushes.aws.dynamodb.counters import CounterTable
from tests.unit.aws.dynamodb.moto_table import CountedTable


def test_counters_count_separately_and_expire(table: CountedTable):
    counters = CounterTable(table.client, table.name)
    assert [counters.add("CREATES#alice#1", 100.9) for _ in range(3)] == [1, 2, 3]
    assert counters.add("CREATES#alice#2", 200.0) == 1
    item = table.item("COUNTER#CREATES#alice#1", "counter")
    assert (item["calls"], item["expires"]) == ({"N": "3"}, {"N": "100"})
    assert table.calls["UpdateItem"] == 4
