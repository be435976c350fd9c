"""DynamoDB: conditions, transactions, indexes and expiry."""

import time
from typing import Any

from tests.probes.aws_setup import AwsSetup
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("DynamoDB")

API = "amazondynamodb/latest/APIReference/"
GUIDE = "amazondynamodb/latest/developerguide/"
NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
RETURN_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def row(aws: AwsSetup, name: str = "", **strings: str) -> dict[str, Any]:
    return {key: {"S": value} for key, value in {"pk": name or aws.name(), **strings}.items()}


def stored(aws: AwsSetup, item: dict[str, Any]) -> dict[str, Any] | None:
    reply = aws.dynamodb.get_item(TableName=aws.table, Key={"pk": item["pk"]}, ConsistentRead=True)
    found: dict[str, Any] | None = reply.get("Item")
    return found


@probe("a rejected conditional put, with ALL_OLD")
@documented("returns the stored item", API + "API_PutItem.html")
def rejected_conditional_put(aws: AwsSetup) -> str:
    item = row(aws, text="there")
    aws.dynamodb.put_item(TableName=aws.table, Item=item)
    try:
        again = row(aws, item["pk"]["S"])
        aws.dynamodb.put_item(TableName=aws.table, Item=again, **NEW, **RETURN_OLD)
    except aws.dynamodb.exceptions.ConditionalCheckFailedException as refused:
        result = refused.response.get("Item") == item
        return "returns the stored item" if result else "returns nothing"
    return "accepted"


def by_index(aws: AwsSetup, friend: str, **more: Any) -> dict[str, Any]:
    reply: dict[str, Any] = aws.dynamodb.query(
        TableName=aws.table,
        IndexName="by_friend",
        KeyConditionExpression="friend = :friend",
        ExpressionAttributeValues={":friend": {"S": friend}},
        **more,
    )
    return reply


@probe("a strongly consistent query of a global index")
@documented("ValidationException", GUIDE + "GSI.html")
def consistent_index_query(aws: AwsSetup) -> str:
    return answer(lambda: by_index(aws, "one", ConsistentRead=True))


@probe("a query of a global index right after a write")
@documented("may not return the item yet", GUIDE + "GSI.html")
@differs(
    "always returns the item",
    covered="a stale item does no harm: workflow/sweeper.py starts by name and writes by version",
)
def index_after_write(aws: AwsSetup) -> str:
    for number in range(20):
        friend = aws.name()
        aws.dynamodb.put_item(TableName=aws.table, Item=row(aws, friend=friend))
        if not by_index(aws, friend)["Items"]:
            return f"does not return the item at try {number}"
    return "always returns the item"


@probe("an item after its time to live")
@documented("still returned", GUIDE + "howitworks-ttl.html")
def expired_item(aws: AwsSetup) -> str:
    """Readers of expiring items compare the time themselves."""
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
    return "still returned" if "Item" in reply else "not returned"


@probe("an item of more than 400 KB")
@documented("ValidationException", GUIDE + "ServiceQuotas.html")
def item_too_large(aws: AwsSetup) -> str:
    large = row(aws, content="x" * 410_000)
    return answer(lambda: aws.dynamodb.put_item(TableName=aws.table, Item=large))


@probe("a query with a filter that excludes the whole first page")
@documented("an empty page with a LastEvaluatedKey", GUIDE + "Query.Pagination.html")
def filtered_page(aws: AwsSetup) -> str:
    friend = aws.name()
    for _ in range(3):
        aws.dynamodb.put_item(TableName=aws.table, Item=row(aws, friend=friend))
    reply = by_index(aws, friend, FilterExpression="attribute_exists(content)", Limit=1)
    more = "with a" if "LastEvaluatedKey" in reply else "without"
    return f"{'a full' if reply['Items'] else 'an empty'} page {more} LastEvaluatedKey"
