"""DynamoDB: transactions."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.probes.aws_setup import AwsSetup
from tests.probes.dynamodb import API, GUIDE, NEW, RETURN_OLD, row, stored
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("DynamoDB")


def put(aws: AwsSetup, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": aws.table, "Item": item, **more}}


def counted(aws: AwsSetup, item: dict[str, Any]) -> dict[str, Any]:
    """A transaction's write that adds one."""
    one = {":one": {"N": "1"}}
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": one}
    return {"Update": {"TableName": aws.table, "Key": {"pk": item["pk"]}, **update}}


@probe("a transaction of which one condition does not hold")
@documented(
    "None, ConditionalCheckFailed with the row that is there; nothing is written",
    API + "API_TransactWriteItems.html",
)
def a_cancelled_transaction(aws: AwsSetup) -> str:
    fresh, taken = row(aws), row(aws, word="there")
    aws.dynamodb.put_item(TableName=aws.table, Item=taken)
    items = [put(aws, fresh, **NEW), put(aws, row(aws, taken["pk"]["S"]), **NEW, **RETURN_OLD)]
    try:
        aws.dynamodb.transact_write_items(TransactItems=items)
    except aws.dynamodb.exceptions.TransactionCanceledException as refused:
        first, second = refused.response["CancellationReasons"]
        result = " with the row that is there" if second.get("Item") == taken else ""
        written = "something" if stored(aws, fresh) else "nothing"
        return f"{first['Code']}, {second['Code']}{result}; {written} is written"
    return "accepted"


@probe("the same transaction with the same ClientRequestToken again")
@documented("succeeds and writes nothing more", API + "API_TransactWriteItems.html")
def a_repeated_transaction(aws: AwsSetup) -> str:
    item, token = row(aws), aws.name()
    for _ in range(2):
        aws.dynamodb.transact_write_items(
            TransactItems=[counted(aws, item)], ClientRequestToken=token
        )
    times = (stored(aws, item) or {})["n"]["N"]
    return "succeeds and writes nothing more" if times == "1" else f"writes {times} times"


@probe("another transaction with a ClientRequestToken that was used")
@documented("IdempotentParameterMismatchException", API + "API_TransactWriteItems.html")
def a_token_used_twice(aws: AwsSetup) -> str:
    token = aws.name()
    write = aws.dynamodb.transact_write_items
    write(TransactItems=[counted(aws, row(aws))], ClientRequestToken=token)
    return answer(lambda: write(TransactItems=[counted(aws, row(aws))], ClientRequestToken=token))


@probe("a transaction that names a row twice")
@documented("ValidationException", API + "API_TransactWriteItems.html")
def a_row_twice(aws: AwsSetup) -> str:
    item = row(aws)
    items = [counted(aws, item), counted(aws, item)]
    return answer(lambda: aws.dynamodb.transact_write_items(TransactItems=items))


@probe("40 transactions on one row from 8 threads")
@documented(
    "some are cancelled: TransactionConflict",
    GUIDE + "transaction-apis.html#transaction-conflict-handling",
)
@differs("all succeed", covered="aws/dynamodb/transaction.py retries for this reason only")
def transactions_at_once(aws: AwsSetup) -> str:
    item = row(aws)
    write = aws.dynamodb.transact_write_items

    def once(_: int) -> bool:
        try:
            write(TransactItems=[counted(aws, item)])
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        done = sum(threads.map(once, range(40)))
    assert (stored(aws, item) or {})["n"]["N"] == str(done)
    return "all succeed" if done == 40 else "some are cancelled: TransactionConflict"
