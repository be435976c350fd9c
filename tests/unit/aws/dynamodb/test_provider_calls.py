"""Counts of calls to providers in the table."""

from rushes.aws.dynamodb.provider_calls import BUCKET_SECONDS, ProviderCallTable
from rushes.ports.provider_calls import CallCounts, FailedCall
from tests.unit.aws.dynamodb.moto_table import CountedTable

NOW = 1_800_000_000.0
LATEST = FailedCall(NOW, "upstream_unavailable", "poll", "E503")


def test_counts_of_five_minutes_are_added_up(table: CountedTable):
    calls = ProviderCallTable(table.client, table.name)
    calls.add("acme", CallCounts(40, 1, FailedCall(NOW - 9, "upstream_busy", "create")), NOW)
    calls.add("acme", CallCounts(2, 1, LATEST), NOW + 1)
    calls.add("acme", CallCounts(8), NOW + 2)
    calls.add("acme.eu", CallCounts(100, 100, LATEST), NOW)
    assert calls.recent("acme", NOW) == CallCounts(50, 2, LATEST)
    item = table.item("PROVIDER_CALLS#acme", f"{int(NOW):012d}")
    assert item["expires"] == {"N": str(int(NOW) + 24 * 3600 + 2)}


def test_recent_counts_exclude_older_ones_and_take_one_query(table: CountedTable):
    calls = ProviderCallTable(table.client, table.name)
    for number in range(15):
        calls.add("acme", CallCounts(1, 1, LATEST), NOW - number * BUCKET_SECONDS)
    before = table.calls["Query"]
    assert calls.recent("acme", NOW - 3600).calls == 13
    assert table.calls["Query"] == before + 1


def test_provider_without_calls_has_no_rate(table: CountedTable):
    assert ProviderCallTable(table.client, table.name).recent("acme", 0) == CallCounts()


def test_item_edited_by_hand_is_skipped(table: CountedTable):
    calls = ProviderCallTable(table.client, table.name)
    calls.add("acme", CallCounts(3, 1, LATEST), NOW)
    key = {"pk": {"S": "PROVIDER_CALLS#acme"}, "sk": {"S": f"{int(NOW) - 300:012d}"}}
    table.client.put_item(TableName=table.name, Item={**key, "calls": {"S": "many"}})
    assert calls.recent("acme", NOW - 3600).calls == 3
