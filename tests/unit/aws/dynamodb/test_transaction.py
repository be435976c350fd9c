"""Settlements on a budget whose item was edited by hand, and writes that transactions block."""

import logging
from typing import Any

import pytest

from rushes.aws.dynamodb.items import MAX_TRIES, key, put
from rushes.aws.dynamodb.transaction import CreateTransaction, InvalidUpdate, put_and_settle
from rushes.errors import AwsUnavailable
from rushes.jobs.charges import Charge
from rushes.metrics import CORRUPT_RECORD
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable

JOB_KEY = key("JOB", "a#job_1")
SAME_VERSION = {
    "ConditionExpression": "version = :version",
    "ExpressionAttributeValues": {":version": {"N": "1"}},
}
REFUND = Charge("a#2025-01-01", -1.0)
NOW = 1_735_700_000.0
CANCELED = "TransactionCanceledException"
OPERAND = "An operand in the update expression has an incorrect data type"


def cancel_transactions(table: CountedTable, monkeypatch: pytest.MonkeyPatch, *codes: str) -> None:
    """Cancel as DynamoDB does; moto rejects the call instead."""
    make_call = table.client._make_api_call

    def call(operation: str, parameters: Any) -> Any:
        if operation == "TransactWriteItems":
            reasons = [{"Code": code, "Message": OPERAND} for code in codes]
            response = {"Error": {"Code": CANCELED}, "CancellationReasons": reasons}
            raise table.client.exceptions.TransactionCanceledException(response, operation)
        return make_call(operation, parameters)

    monkeypatch.setattr(table.client, "_make_api_call", call)


def settle(
    table: CountedTable, version: str = "2", charges: tuple[Charge, ...] = (REFUND,)
) -> bool:
    job = {**JOB_KEY, "version": {"N": version}}
    return put_and_settle(table.client, TABLE, job, SAME_VERSION, charges, NOW)


def reported(caplog: pytest.LogCaptureFixture) -> list[Any]:
    lines = [line for line in caplog.records if line.getMessage() == CORRUPT_RECORD]
    assert all(line.levelno == logging.ERROR for line in lines)
    return [line.__dict__["item"] for line in lines]


@pytest.mark.parametrize(("stored", "is_written"), [("1", True), ("5", False)])
def test_job_is_written_without_a_budget_that_holds_no_number(
    table: CountedTable,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    stored: str,
    *,
    is_written: bool,
) -> None:
    table.fill(iter([{**JOB_KEY, "version": {"N": stored}}]))
    cancel_transactions(table, monkeypatch, "None", "ValidationError")
    assert settle(table) is is_written
    assert table.item("JOB#a#job_1")["version"]["N"] == ("2" if is_written else stored)
    assert reported(caplog) == [{"S": "SPENT#a#2025-01-01"}]
    assert '"CorruptRecord":' in capsys.readouterr().out


@pytest.mark.parametrize(
    "codes",
    [
        ("ValidationError", "None"),
        ("ValidationError", "ValidationError"),
        ("None", "ThrottlingError"),
        ("TransactionConflict", "ItemCollectionSizeLimitExceeded"),
    ],
)
def test_other_cancelled_settlements_are_not_written(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch, codes: tuple[str, ...]
) -> None:
    table.fill(iter([{**JOB_KEY, "version": {"N": "1"}}]))
    cancel_transactions(table, monkeypatch, *codes)
    with pytest.raises(AwsUnavailable):
        settle(table)
    assert table.item("JOB#a#job_1")["version"]["N"] == "1"


def test_condition_that_fails_is_no_reason_to_report(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cancel_transactions(table, monkeypatch, "ConditionalCheckFailed", "ValidationError")
    assert not settle(table)
    assert reported(caplog) == []


def test_create_call_on_a_budget_that_holds_no_number_is_answered(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API shows the error's public message in an error of the same type."""
    cancel_transactions(table, monkeypatch, "None", "ValidationError")
    transaction = CreateTransaction(TABLE, JOB_KEY, {}, None, (REFUND,), NOW)
    with pytest.raises(InvalidUpdate) as caught:
        transaction.commit(table.client)
    shown = type(caught.value)(caught.value.public_message)
    assert (shown.http_status, shown.message) == (503, AwsUnavailable.public_message)


def test_limits_beside_a_corrupt_one_are_settled(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """DynamoDB cancels the first transaction for the budget that holds no number."""
    table.fill(iter([{**JOB_KEY, "version": {"N": "1"}}]))
    make_call = table.client._make_api_call
    cancelled: list[str] = []

    def call(operation: str, parameters: Any) -> Any:
        if operation == "TransactWriteItems" and not cancelled:
            cancelled.append(operation)
            reasons = [{"Code": code} for code in ("None", "ValidationError", "None")]
            response = {"Error": {"Code": CANCELED}, "CancellationReasons": reasons}
            raise table.client.exceptions.TransactionCanceledException(response, operation)
        return make_call(operation, parameters)

    monkeypatch.setattr(table.client, "_make_api_call", call)
    assert settle(table, charges=(REFUND, Charge("a#2025-01", -0.5)))
    assert table.item("JOB#a#job_1")["version"]["N"] == "2"
    assert table.item("SPENT#a#2025-01", "spent")["dollars"]["N"] == "-0.5"
    assert reported(caplog) == [{"S": "SPENT#a#2025-01-01"}]


def block_puts(table: CountedTable, monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """Refuse puts as DynamoDB does while a transaction writes the item; boto3 repeats none."""
    make_call, blocked = table.client._make_api_call, list[str]()

    def call(operation: str, parameters: Any) -> Any:
        if operation == "PutItem" and len(blocked) < times:
            blocked.append(operation)
            response = {"Error": {"Code": "TransactionConflictException"}}
            raise table.client.exceptions.TransactionConflictException(response, operation)
        return make_call(operation, parameters)

    monkeypatch.setattr(table.client, "_make_api_call", call)
    monkeypatch.setattr("rushes.aws.dynamodb.items.MAX_PAUSE", 0.0)
    return blocked


@pytest.mark.parametrize(("stored", "is_written"), [("1", True), ("5", False)])
def test_write_that_a_transaction_blocks_is_repeated(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch, stored: str, *, is_written: bool
) -> None:
    """For example, the handle of a generation, while the client deletes the job."""
    table.fill(iter([{**JOB_KEY, "version": {"N": stored}}]))
    block_puts(table, monkeypatch, 2)
    job = {**JOB_KEY, "version": {"N": "2"}}
    assert put(table.client, TABLE, job, SAME_VERSION) is is_written
    assert table.item("JOB#a#job_1")["version"]["N"] == ("2" if is_written else stored)


def test_write_that_transactions_block_for_long_is_given_up(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.fill(iter([{**JOB_KEY, "version": {"N": "1"}}]))
    blocked = block_puts(table, monkeypatch, 100)
    with pytest.raises(AwsUnavailable, match="PutItem returned TransactionConflictException"):
        put(table.client, TABLE, JOB_KEY, SAME_VERSION)
    assert len(blocked) == MAX_TRIES
