"""DynamoDB: conditions, transactions, indexes and expiry."""

import time
from typing import Any

from tests.probes.aws_setup import Ground
from tests.probes.probe import answer, probes_of

probe = probes_of("DynamoDB")

API = "amazondynamodb/latest/APIReference/"
GUIDE = "amazondynamodb/latest/developerguide/"
NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
TOLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def row(aws: Ground, name: str = "", **strings: str) -> dict[str, Any]:
    return {"pk": {"S": name or aws.name()}, **{key: {"S": it} for key, it in strings.items()}}


def stored(aws: Ground, item: dict[str, Any]) -> dict[str, Any] | None:
    reply = aws.dynamodb.get_item(TableName=aws.table, Key={"pk": item["pk"]}, ConsistentRead=True)
    found: dict[str, Any] | None = reply.get("Item")
    return found


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
    covered="a row that is late does no harm: sweeper.py starts by name and writes by version",
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
