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


@probe("a transaction with one failed condition")
@documented(
    "None, ConditionalCheckFailed with the stored item; nothing is written",
    API + "API_TransactWriteItems.html",
)
def failed_condition(aws: AwsSetup) -> str:
    fresh, existing = row(aws), row(aws, text="stored")
    aws.dynamodb.put_item(TableName=aws.table, Item=existing)
    items = [put(aws, fresh, **NEW), put(aws, row(aws, existing["pk"]["S"]), **NEW, **RETURN_OLD)]
    try:
        aws.dynamodb.transact_write_items(TransactItems=items)
    except aws.dynamodb.exceptions.TransactionCanceledException as refused:
        first, second = refused.response["CancellationReasons"]
        result = " with the stored item" if second.get("Item") == existing else ""
        written = "something" if stored(aws, fresh) else "nothing"
        return f"{first['Code']}, {second['Code']}{result}; {written} is written"
    return "accepted"


@probe("a repeated transaction with the same ClientRequestToken")
@documented("succeeds and writes nothing more", API + "API_TransactWriteItems.html")
def repeated_transaction(aws: AwsSetup) -> str:
    item, token = row(aws), aws.name()
    for _ in range(2):
        aws.dynamodb.transact_write_items(
            TransactItems=[counted(aws, item)], ClientRequestToken=token
        )
    times = (stored(aws, item) or {})["n"]["N"]
    return "succeeds and writes nothing more" if times == "1" else f"writes {times} times"


@probe("another transaction with a used ClientRequestToken")
@documented("IdempotentParameterMismatchException", API + "API_TransactWriteItems.html")
def reused_token(aws: AwsSetup) -> str:
    token = aws.name()
    write = aws.dynamodb.transact_write_items
    write(TransactItems=[counted(aws, row(aws))], ClientRequestToken=token)
    return answer(lambda: write(TransactItems=[counted(aws, row(aws))], ClientRequestToken=token))


@probe("a transaction with two writes of one item")
@documented("ValidationException", API + "API_TransactWriteItems.html")
def item_written_twice(aws: AwsSetup) -> str:
    item = row(aws)
    items = [counted(aws, item), counted(aws, item)]
    return answer(lambda: aws.dynamodb.transact_write_items(TransactItems=items))


@probe("40 transactions on one item from 8 threads")
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
