"""Due jobs and deliveries: an account with many does not hide those of the others."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushes.aws.dynamodb import due_index
from rushes.aws.dynamodb import webhooks as delivery_items
from rushes.aws.dynamodb.batches import BATCH
from rushes.aws.dynamodb.job_items import request_item
from rushes.aws.dynamodb.jobs import JobTable, indexed_item
from rushes.aws.dynamodb.webhooks import DeliveryTable
from rushes.fair_order import MIN_PER_PART
from rushes.jobs.job import Job
from rushes.webhooks.delivery import Delivery
from tests.unit.aws.dynamodb.moto_table import CountedTable
from tests.unit.webhooks.harness import START, endpoint, event, job

FLOOD, HUGE, LIMIT = 300, 20_000, 20
BATCHES = 400 // BATCH


def numbered(account: str, number: int, receiver: str = "we_1", size: int = 0) -> Delivery:
    """Delivery that is due after those with lower numbers, with an event of at least `size`."""
    happened = event(job_id=f"job_{account}_{number}") | {"padding": "x" * size}
    made = Delivery.for_endpoint(endpoint(receiver, account=account), happened, START)
    return made.paused(START, START + number)


def numbered_job(account: str, number: int) -> Job:
    fields = {"id": f"job_{account}_{number}", "account": account, "updated_at": START + number}
    return job().model_copy(update=fields)


def test_due_returns_deliveries_of_each_account(table: CountedTable):
    deliveries = DeliveryTable(table.client, table.name)
    table.fill(_delivery_items())
    found = list(deliveries.due(START + FLOOD, LIMIT))
    assert Counter(one.account for one in found) == {"many": LIMIT, "other": 1}
    assert [one.next_check_at for one in found[:LIMIT]] == [START + n for n in range(LIMIT)]
    assert table.calls["Query"] <= 3 * due_index.PARTITIONS


def test_due_returns_jobs_of_each_account(table: CountedTable):
    jobs = JobTable(table.client, table.name)
    table.fill(_job_items())
    found = list(jobs.due(START + FLOOD, LIMIT))
    assert Counter(one.account for one in found) == {"many": LIMIT, "other": 1}
    assert table.calls["Query"] <= 3 * 2 * (due_index.PARTITIONS + 1)
    assert table.calls["BatchGetItem"] == 1


@pytest.fixture
def few_partitions(table: CountedTable, monkeypatch: pytest.MonkeyPatch) -> CountedTable:
    """Each of moto's queries reads the whole table."""
    monkeypatch.setattr(due_index, "PARTITIONS", 2)
    monkeypatch.setattr(due_index, "PAGE", HUGE // 2)
    return table


@pytest.mark.parametrize("victim_shares_a_partition", [True, False])
def test_twenty_thousand_deliveries_do_not_hide_that_of_another_account(
    few_partitions: CountedTable, *, victim_shares_a_partition: bool
):
    """The victim's became due in the middle."""
    table = few_partitions
    flood = flood_of([delivery_item(numbered("many", number)) for number in range(LIMIT)])
    victim = delivery_item(numbered("other", HUGE // 2))
    move(flood, victim, "deliveries", together=victim_shares_a_partition)
    table.fill(iter([*flood, victim]))
    found = DeliveryTable(table.client, table.name).due(START + HUGE, LIMIT)
    assert Counter(one.account for one in found) == {"many": LIMIT, "other": 1}
    assert table.calls["Query"] <= due_index.MAX_QUERIES


@pytest.mark.parametrize("victim_shares_a_partition", [True, False])
def test_twenty_thousand_jobs_do_not_hide_that_of_another_account(
    few_partitions: CountedTable, *, victim_shares_a_partition: bool
):
    table = few_partitions
    flood = flood_of([indexed_item(numbered_job("many", number)) for number in range(LIMIT)])
    victim = indexed_item(numbered_job("other", HUGE // 2))
    move(flood, victim, "urgent", together=victim_shares_a_partition)
    table.fill(iter([*flood, victim]))
    found = JobTable(table.client, table.name).due_ids(START + HUGE, LIMIT)
    assert Counter(account for account, _ in found) == {"many": LIMIT, "other": 1}
    assert table.calls["Query"] <= due_index.MAX_QUERIES


def test_urgent_jobs_do_not_hide_running_ones(table: CountedTable):
    running = numbered_job("other", 0).submitted(START, {}, ())
    table.fill(_job_items())
    table.fill(iter([indexed_item(running), request_item(running)]))
    found = list(JobTable(table.client, table.name).due(START + FLOOD, LIMIT))
    assert Counter(one.account for one in found) == {"many": LIMIT, "other": 2}
    assert found[-1].id == running.id


def test_items_of_version_0_1_0_are_found_and_hide_no_others(table: CountedTable):
    """They have no `open_owner`; jobs are in the partitions `urgent` and `open`."""
    items = [*_delivery_items(), *_job_items()]
    for item in items:
        is_job = item["sk"]["S"] == "job"
        if "open_pk" in item:
            del item["open_owner"]
            item["open_pk"] = {"S": "urgent" if is_job else "deliveries#3"}
    table.fill(iter(items))
    jobs = list(JobTable(table.client, table.name).due(START + FLOOD, LIMIT))
    assert Counter(one.account for one in jobs) == {"many": LIMIT, "other": 1}
    deliveries = list(DeliveryTable(table.client, table.name).due(START + FLOOD, LIMIT))
    assert Counter(one.account for one in deliveries) == {"many": LIMIT, "other": 1}


def test_deliveries_to_slow_receivers_do_not_hide_those_to_others(few_partitions: CountedTable):
    """A hundred slow endpoints of one account use up its share."""
    table = few_partitions
    slow = [delivery_item(numbered("many", number, f"we_{number % 100}")) for number in range(2000)]
    healthy = delivery_item(numbered("many", 2000, "we_healthy"))
    table.fill(iter([*slow, healthy]))
    found = list(DeliveryTable(table.client, table.name).due(START + 2000, LIMIT))
    counts = Counter(one.receiver for one in found)
    assert counts["we_healthy"] == 1
    assert max(counts.values()) <= MIN_PER_PART
    assert table.calls["Query"] <= 3 * due_index.PARTITIONS


def test_index_has_keys_only_and_one_account_writes_to_all_partitions(table: CountedTable):
    table.fill(_job_items())
    many = [indexed_item(numbered_job("many", number)) for number in range(2000)]
    partitions = Counter(item["open_pk"]["S"] for item in many)
    assert len(partitions) == due_index.PARTITIONS
    assert max(partitions.values()) < len(many) / 16
    index = due_index.DueIndex(table.client, table.name)
    found = next(index.items([[*partitions]], START, 1))
    assert found.keys() == {"pk", "sk", "open_pk", "open_sk", "open_owner"}


def test_key_moves_only_when_the_check_would_come_too_early(table: CountedTable):
    """The steps of a job between them leave the index as it is."""
    jobs = JobTable(table.client, table.name)
    job = numbered_job("other", 0)
    jobs.add(job)

    def key_after(change: Callable[[Job], Job]) -> float:
        jobs.change("other", job.id, change)
        return float(table.item(f"JOB#other#{job.id}")["open_sk"]["N"])

    assert key_after(lambda job: job.submitting(START, 60)) == START + 60
    assert key_after(lambda job: job.submitted(START + 1, {"id": "1"}, ())) == START + 60
    assert key_after(lambda job: job.progressed(START + 30, 10)) == START + 60
    assert key_after(lambda job: job.progressed(START + 30.5, 20)) == START + 90.5
    assert key_after(lambda job: job.planned(START + 31, 20)) == START + 90.5
    assert key_after(lambda job: job.planned(START + 31, 300)) == START + 391
    assert key_after(lambda job: job.progressed(START + 200, 30)) == START + 391
    assert key_after(lambda job: job.cancel_requested(START + 210)) == START + 270


def test_due_omits_a_job_that_the_index_shows_too_late(table: CountedTable):
    jobs = JobTable(table.client, table.name)
    running = numbered_job("other", 0).submitted(START, {}, ())
    jobs.add(running)
    table.fill(iter([{**indexed_item(running), "open_sk": {"N": "1"}}]))
    assert list(jobs.due_ids(START, LIMIT)) == [("other", running.id)]
    assert list(jobs.due(START, LIMIT)) == []


def test_due_makes_a_limited_number_of_queries(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch
):
    """What has become due lately is found even then."""
    monkeypatch.setattr(due_index, "MAX_QUERIES", due_index.PARTITIONS + 1)
    flood = [numbered(f"account_{number}", number, size=30_000) for number in range(400)]
    items = [delivery_item(one) for one in flood]
    for item in items:
        item["open_pk"] = {"S": "deliveries#1"}
    table.fill(iter(items))
    table.max_calls = due_index.PARTITIONS + 1 + BATCHES
    found = list(DeliveryTable(table.client, table.name).due(START + 400, LIMIT))
    assert found[-1] == flood[-1]
    monkeypatch.setattr(due_index, "MAX_QUERIES", due_index.PARTITIONS)
    table.calls.clear()
    table.max_calls = due_index.PARTITIONS + BATCHES
    found = list(DeliveryTable(table.client, table.name).due(START + 400, LIMIT))
    assert found == flood[: len(found)]
    assert 0 < len(found) <= LIMIT


def test_filter_has_at_most_the_operands_that_dynamodb_allows(few_partitions: CountedTable):
    """Two hundred receivers have had their share."""
    table = few_partitions
    receivers = [f"we_{number % 200}" for number in range(2000)]
    items = [delivery_item(numbered("many", n, name)) for n, name in enumerate(receivers)]
    table.fill(iter(items))
    operands: list[int] = []
    table.client.meta.events.register(
        "provide-client-params.dynamodb.Query",
        lambda params, **_: operands.append(params.get("FilterExpression", "").count(":skip")),
    )
    assert list(DeliveryTable(table.client, table.name).due(START + 2000, 400))
    assert 0 < max(operands) <= 100


def test_due_reads_deliveries_while_the_caller_iterates(table: CountedTable):
    """All at once would fill the memory."""
    table.fill(_delivery_items())
    found = DeliveryTable(table.client, table.name).due(START + FLOOD, LIMIT)
    assert [next(found).message_id for _ in range(3)]
    assert table.calls == {"Query": due_index.PARTITIONS, "BatchGetItem": 1}


def flood_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items, and later ones that no search may read."""
    rest = [
        {
            **items[0],
            "pk": {"S": f"{items[0]['pk']['S']}{number}"},
            "open_sk": {"N": str(START + number)},
            "document": {"S": "x" * 200},
        }
        for number in range(len(items), HUGE)
    ]
    return items + rest


def move(flood: list[dict[str, Any]], victim: dict[str, Any], kind: str, *, together: bool) -> None:
    """Put all items into one partition, or the victim's into another."""
    for item in flood:
        item["open_pk"] = {"S": f"{kind}#0"}
    victim["open_pk"] = {"S": f"{kind}#{0 if together else 1}"}


def delivery_item(delivery: Delivery) -> dict[str, Any]:
    return {
        **delivery_items._delivery_attributes(delivery),
        "document": {"S": delivery.model_dump_json()},
        "version": {"N": str(delivery.version)},
    }


def _delivery_items() -> Iterator[dict[str, Any]]:
    for number in range(FLOOD):
        yield delivery_item(numbered("many", number))
    yield delivery_item(numbered("other", FLOOD))


def _job_items() -> Iterator[dict[str, Any]]:
    for number in range(FLOOD):
        yield from job_items(numbered_job("many", number))
    yield from job_items(numbered_job("other", FLOOD))


def job_items(job: Job) -> list[dict[str, Any]]:
    return [indexed_item(job), request_item(job)]
