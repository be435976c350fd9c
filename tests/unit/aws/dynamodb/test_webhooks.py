"""Endpoints of one account, created by several requests at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from rushes.aws.dynamodb import webhooks
from rushes.aws.dynamodb.webhooks import EndpointTable
from rushes.errors import WriteConflict
from rushes.webhooks.endpoint import MAX_ENDPOINTS, Endpoint
from tests.unit.aws.dynamodb.moto_table import CountedTable
from tests.unit.webhooks.fakes import FakeKeySecret, signing_secrets
from tests.unit.webhooks.harness import endpoint

COUNTER = ("ENDPOINTS_ADDED#one", "endpoints_added")


@pytest.fixture
def endpoints(table: CountedTable, monkeypatch: pytest.MonkeyPatch) -> EndpointTable:
    monkeypatch.setattr(webhooks, "MAX_PAUSE", 0.01)
    return EndpointTable(table.client, table.name)


def fill(table: CountedTable, count: int) -> None:
    """Store endpoints as an older release did, without the counter."""
    for number in range(count):
        one = endpoint(f"we_old_{number:03}")
        item = {
            "pk": {"S": "ENDPOINTS#one"},
            "sk": {"S": one.id},
            "document": {"S": one.model_dump_json()},
            "version": {"N": "0"},
        }
        table.fill(iter([item]))


def once_after(table: CountedTable, operation: str, action: Callable[[], object]) -> None:
    """Run the action after the next call of that operation."""
    hook = f"after-call.dynamodb.{operation}"

    def run(**_: object) -> None:
        table.client.meta.events.unregister(hook, run)
        action()

    table.client.meta.events.register(hook, run)


def test_account_of_an_older_release_can_add_endpoints_up_to_the_maximum(
    table: CountedTable, endpoints: EndpointTable
):
    fill(table, MAX_ENDPOINTS - 2)
    assert [endpoints.add(endpoint(f"we_{number}")) for number in range(3)] == [True, True, False]
    assert len(endpoints.all("one")) == MAX_ENDPOINTS
    assert endpoints.add(endpoint("we_1", account="two"))


def test_each_deletion_makes_room_for_one_endpoint(table: CountedTable, endpoints: EndpointTable):
    fill(table, MAX_ENDPOINTS)
    for number in range(3):
        endpoints.delete("one", f"we_old_{number:03}")
        assert endpoints.add(endpoint(f"we_{number}"))
        assert not endpoints.add(endpoint(f"we_more_{number}"))
    assert len(endpoints.all("one")) == MAX_ENDPOINTS


@pytest.mark.parametrize("stored", [0, 1, 5])
def test_endpoint_added_after_the_count_is_counted(
    table: CountedTable, endpoints: EndpointTable, stored: int
):
    """`stored` calls have set the counter before; without any, the item is absent."""
    fill(table, MAX_ENDPOINTS - 1 - stored)
    for number in range(stored):
        endpoints.add(endpoint(f"we_{number}"))
    once_after(table, "Query", lambda: endpoints.add(endpoint("we_faster")))
    assert not endpoints.add(endpoint("we_slower"))
    assert len(endpoints.all("one")) == MAX_ENDPOINTS
    assert endpoints.get("one", "we_faster")


def test_endpoint_added_between_the_two_reads_is_counted(
    table: CountedTable, endpoints: EndpointTable
):
    fill(table, MAX_ENDPOINTS - 1)
    once_after(table, "GetItem", lambda: endpoints.add(endpoint("we_faster")))
    assert not endpoints.add(endpoint("we_slower"))
    assert len(endpoints.all("one")) == MAX_ENDPOINTS


def test_endpoint_deleted_after_the_count_makes_no_conflict(
    table: CountedTable, endpoints: EndpointTable
):
    fill(table, MAX_ENDPOINTS - 1)
    once_after(table, "Query", lambda: endpoints.delete("one", "we_old_000"))
    assert endpoints.add(endpoint("we_1"))
    assert len(endpoints.all("one")) == MAX_ENDPOINTS - 1


def test_add_gives_up_after_repeated_conflicts(
    table: CountedTable, endpoints: EndpointTable, monkeypatch: pytest.MonkeyPatch
):
    rival = EndpointTable(table.client, table.name)
    all_of = endpoints.all

    def count_and_lose(account: str) -> tuple[Endpoint, ...]:
        found = all_of(account)
        rival.add(endpoint(f"we_rival_{len(found)}"))
        return found

    monkeypatch.setattr(endpoints, "all", count_and_lose)
    with pytest.raises(WriteConflict):
        endpoints.add(endpoint("we_slower"))
    assert rival.get("one", "we_slower") is None


def test_existing_id_is_refused_and_not_counted(table: CountedTable, endpoints: EndpointTable):
    endpoints.add(endpoint("we_1"))
    before = table.item(*COUNTER)
    with pytest.raises(WriteConflict):
        endpoints.add(endpoint("we_1", url="https://other.example/"))
    assert table.item(*COUNTER) == before
    assert endpoints.all("one") == (endpoint("we_1", number=0),)


def test_endpoint_has_the_number_of_endpoints_added_before(
    table: CountedTable, endpoints: EndpointTable
):
    """Deletions do not change it; an endpoint of an older release has none."""
    fill(table, 2)
    for number in range(3):
        endpoints.add(endpoint(f"we_{number}"))
    endpoints.delete("one", "we_0")
    endpoints.add(endpoint("we_3"))
    numbers = {one.id: one.number for one in endpoints.all("one")}
    old = {"we_old_000": None, "we_old_001": None}
    assert numbers == {**old, "we_1": 1, "we_2": 2, "we_3": 3}


def test_concurrent_calls_never_exceed_the_maximum(table: CountedTable, endpoints: EndpointTable):
    """Refused ones are repeated after a conflict, so that every place is assigned."""
    fill(table, MAX_ENDPOINTS - 3)
    start = Barrier(8)

    def add(number: int) -> bool:
        start.wait(60)
        while True:
            try:
                return endpoints.add(endpoint(f"we_{number}"))
            except WriteConflict:
                continue

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(8)))
    assert added.count(True) == 3
    assert len(endpoints.all("one")) == MAX_ENDPOINTS


def test_concurrent_first_calls_create_one_secret(table: CountedTable):
    start, key = Barrier(6), FakeKeySecret()

    def read(_: int) -> str:
        start.wait(60)
        mine = EndpointTable(table.client, table.name)
        return signing_secrets(mine, key).of_requests("one").secrets[0].value

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(read, range(6)))) == 1
