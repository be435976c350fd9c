"""DynamoDB: conditions, transactions, indexes and expiry."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.probes.ground import Ground
from tests.probes.probe import answer, probes_of

probe = probes_of("DynamoDB")

API = "amazondynamodb/latest/APIReference/"
GUIDE = "amazondynamodb/latest/developerguide/"
NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
TOLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def row(aws: Ground, name: str = "", **strings: str) -> dict[str, Any]:
    return {"pk": {"S": name or aws.name()}, **{key: {"S": it} for key, it in strings.items()}}


def put(aws: Ground, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": aws.table, "Item": item, **more}}


def stored(aws: Ground, item: dict[str, Any]) -> dict[str, Any] | None:
    reply = aws.dynamodb.get_item(TableName=aws.table, Key={"pk": item["pk"]}, ConsistentRead=True)
    found: dict[str, Any] | None = reply.get("Item")
    return found


def counted(aws: Ground, item: dict[str, Any]) -> dict[str, Any]:
    """A transaction's write that adds one."""
    one = {":one": {"N": "1"}}
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": one}
    return {"Update": {"TableName": aws.table, "Key": {"pk": item["pk"]}, **update}}


@probe(
    "a conditional put that is refused, with ALL_OLD",
    aws="tells the row that is there",
    source=API + "API_PutItem.html",
)
def a_refused_put(aws: Ground) -> str:
    item = row(aws, word="there")
    aws.dynamodb.put_item(TableName=aws.table, Item=item)
    try:
        aws.dynamodb.put_item(TableName=aws.table, Item=row(aws, item["pk"]["S"]), **NEW, **TOLD)
    except aws.dynamodb.exceptions.ConditionalCheckFailedException as refused:
        told = refused.response.get("Item") == item
        return "tells the row that is there" if told else "tells nothing"
    return "accepted"


@probe(
    "a transaction of which one condition does not hold",
    aws="None, ConditionalCheckFailed with the row that is there; nothing is written",
    source=API + "API_TransactWriteItems.html",
)
def a_cancelled_transaction(aws: Ground) -> str:
    fresh, taken = row(aws), row(aws, word="there")
    aws.dynamodb.put_item(TableName=aws.table, Item=taken)
    items = [put(aws, fresh, **NEW), put(aws, row(aws, taken["pk"]["S"]), **NEW, **TOLD)]
    try:
        aws.dynamodb.transact_write_items(TransactItems=items)
    except aws.dynamodb.exceptions.TransactionCanceledException as refused:
        first, second = refused.response["CancellationReasons"]
        told = " with the row that is there" if second.get("Item") == taken else ""
        written = "something" if stored(aws, fresh) else "nothing"
        return f"{first['Code']}, {second['Code']}{told}; {written} is written"
    return "accepted"


@probe(
    "the same transaction with the same ClientRequestToken again",
    aws="succeeds and writes nothing more",
    source=API + "API_TransactWriteItems.html",
)
def a_repeated_transaction(aws: Ground) -> str:
    item, token = row(aws), aws.name()
    for _ in range(2):
        aws.dynamodb.transact_write_items(
            TransactItems=[counted(aws, item)], ClientRequestToken=token
        )
    times = (stored(aws, item) or {})["n"]["N"]
    return "succeeds and writes nothing more" if times == "1" else f"writes {times} times"


@probe(
    "another transaction with a ClientRequestToken that was used",
    aws="IdempotentParameterMismatchException",
    source=API + "API_TransactWriteItems.html",
)
def a_token_used_twice(aws: Ground) -> str:
    token = aws.name()
    write = aws.dynamodb.transact_write_items
    write(TransactItems=[counted(aws, row(aws))], ClientRequestToken=token)
    return answer(lambda: write(TransactItems=[counted(aws, row(aws))], ClientRequestToken=token))


@probe(
    "a transaction that names a row twice",
    aws="ValidationException",
    source=API + "API_TransactWriteItems.html",
)
def a_row_twice(aws: Ground) -> str:
    item = row(aws)
    items = [counted(aws, item), counted(aws, item)]
    return answer(lambda: aws.dynamodb.transact_write_items(TransactItems=items))


@probe(
    "40 transactions on one row from 8 threads",
    aws="some are cancelled: TransactionConflict",
    engine="all succeed",
    source=GUIDE + "transaction-apis.html#transaction-conflict-handling",
    covered="receipts.py tries again on that reason alone",
)
def transactions_at_once(aws: Ground) -> str:
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


def by_index(aws: Ground, friend: str, **more: Any) -> list[dict[str, Any]]:
    reply = aws.dynamodb.query(
        TableName=aws.table,
        IndexName="by_friend",
        KeyConditionExpression="friend = :friend",
        ExpressionAttributeValues={":friend": {"S": friend}},
        **more,
    )
    found: list[dict[str, Any]] = reply["Items"]
    return found


@probe(
    "a strongly consistent query of a global index",
    aws="ValidationException",
    source=GUIDE + "GSI.html",
)
def a_consistent_index(aws: Ground) -> str:
    return answer(lambda: by_index(aws, "one", ConsistentRead=True))


@probe(
    "a query of a global index right after a write",
    aws="may not show it yet",
    engine="always shows it",
    source=GUIDE + "GSI.html",
    covered="what an index names is read again by its key before anything is decided: sweeper.py",
)
def an_index_that_lags(aws: Ground) -> str:
    for number in range(20):
        friend = aws.name()
        aws.dynamodb.put_item(TableName=aws.table, Item=row(aws, friend=friend))
        if not by_index(aws, friend):
            return f"does not show it yet, at the {number}. time"
    return "always shows it"


@probe(
    "a row whose time to live is over, read a second later",
    aws="is still there",
    source=GUIDE + "howitworks-ttl.html",
)
def an_expired_row(aws: Ground) -> str:
    """Whoever reads rows that expire compares the time itself."""
    table = aws.name()
    aws.dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    expiry = {"Enabled": True, "AttributeName": "expires"}
    aws.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)
    item = {"pk": {"S": "one"}, "expires": {"N": str(int(time.time()) - 60)}}
    aws.dynamodb.put_item(TableName=table, Item=item)
    time.sleep(0.5)
    reply = aws.dynamodb.get_item(TableName=table, Key={"pk": {"S": "one"}})
    return "is still there" if "Item" in reply else "is gone"


@probe(
    "a row of more than 400 KB",
    aws="ValidationException",
    source=GUIDE + "ServiceQuotas.html",
)
def a_row_too_large(aws: Ground) -> str:
    large = row(aws, word="x" * 410_000)
    return answer(lambda: aws.dynamodb.put_item(TableName=aws.table, Item=large))


@probe(
    "a query with a filter that takes out all of the first page",
    aws="an empty page that is not the last",
    source=GUIDE + "Query.Pagination.html",
)
def a_filtered_page(aws: Ground) -> str:
    friend = aws.name()
    for _ in range(3):
        aws.dynamodb.put_item(TableName=aws.table, Item=row(aws, friend=friend))
    reply = aws.dynamodb.query(
        TableName=aws.table,
        IndexName="by_friend",
        KeyConditionExpression="friend = :friend",
        FilterExpression="attribute_exists(word)",
        ExpressionAttributeValues={":friend": {"S": friend}},
        Limit=1,
    )
    more = "is not the last" if "LastEvaluatedKey" in reply else "is the last"
    return f"{'a full' if reply['Items'] else 'an empty'} page that {more}"
