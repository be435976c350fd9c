"""EventBridge: accepted events, matching and targets."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from tests.probes.aws_setup import LIMIT, AwsSetup
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("EventBridge")

API = "eventbridge/latest/APIReference/"
GUIDE = "eventbridge/latest/userguide/"


def entry(bus: str, **changes: Any) -> dict[str, Any]:
    event = {"Source": "probes", "DetailType": "probe", "Detail": "{}"}
    return {"EventBusName": bus, **event, **changes}


def bus_with(
    aws: AwsSetup, target: str, pattern: dict[str, Any] | None = None, **settings: Any
) -> str:
    """A bus with a rule that leads to a target."""
    bus = aws.name()
    aws.events.create_event_bus(Name=bus)
    wanted = json.dumps(pattern or {"source": ["probes"]})
    aws.events.put_rule(Name=bus, EventBusName=bus, EventPattern=wanted)
    targets = [{"Id": "one", "Arn": target, **settings}]
    aws.events.put_targets(Rule=bus, EventBusName=bus, Targets=targets)
    return bus


@probe("PutEvents with one entry with invalid JSON as detail")
@documented("200; MalformedDetail for that entry, the other arrives", API + "API_PutEvents.html")
@differs(
    "200; no failure, 2 arrive",
    covered="tests answer with failed entries themselves: fakes.py, simulation/ports.py",
)
def entry_with_invalid_detail(aws: AwsSetup) -> str:
    queue = aws.queue()
    bus = bus_with(aws, aws.arn(queue))
    reply = aws.events.put_events(Entries=[entry(bus, Detail="no JSON"), entry(bus)])
    failed = [done["ErrorCode"] for done in reply["Entries"] if "ErrorCode" in done]
    arrived = len(list(islice(aws.arriving(queue, 25), 2)))
    assert reply["FailedEntryCount"] == len(failed)
    if failed == ["MalformedDetail"] and arrived == 1:
        return "200; MalformedDetail for that entry, the other arrives"
    return f"200; {', '.join(failed) or 'no failure'}, {arrived} arrive"


@probe("PutEvents with eleven entries")
@documented("ValidationException", API + "API_PutEvents.html")
def too_many_entries(aws: AwsSetup) -> str:
    return answer(lambda: aws.events.put_events(Entries=[entry("default")] * 11))


@probe("a matching event, and one that does not match")
@documented("only the first reaches the rule's queue", GUIDE + "eb-event-patterns.html")
def rule_to_queue(aws: AwsSetup) -> str:
    queue = aws.queue()
    wanted = {"source": ["probes"], "detail": {"status": [{"prefix": "comp"}]}}
    bus = bus_with(aws, aws.arn(queue), wanted)
    details = (json.dumps({"status": status}) for status in ("completed", "failed"))
    aws.events.put_events(Entries=[entry(bus, Detail=detail) for detail in details])
    first = list(islice(aws.arriving(queue, LIMIT), 1))
    bodies = [*first, *aws.arriving(queue, 1)]
    found = [json.loads(body)["detail"]["status"] for body in bodies]
    return "only the first reaches the rule's queue" if found == ["completed"] else f"{found}"


@probe("a rule to a queue without permission for EventBridge")
@documented("nothing arrives", GUIDE + "eb-use-resource-based.html")
@differs("the event arrives", covered="probes/test_covers.py reads the template's queue policies")
def queue_without_permission(aws: AwsSetup) -> str:
    queue = aws.queue()
    bus = bus_with(aws, aws.arn(queue))
    aws.events.put_events(Entries=[entry(bus)])
    return "the event arrives" if aws.receive(queue, LIMIT) else "nothing arrives"


@probe("a rule to a function")
@documented("invoked with the whole event", GUIDE + "eb-targets.html")
def rule_to_function(aws: AwsSetup) -> str:
    queue = aws.queue()
    function = aws.function(
        "import boto3, json, os\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message(\n"
        "        QueueUrl=os.environ['QUEUE'], MessageBody=json.dumps(event))\n",
        Environment={"Variables": {"QUEUE": queue}},
    )
    arn = aws.functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    aws.functions.add_permission(
        FunctionName=function,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    bus = bus_with(aws, arn)
    aws.events.put_events(Entries=[entry(bus, Detail='{"number": 1}')])
    for body in aws.arriving(queue, LIMIT):
        event = json.loads(body)
        whole = event["detail"] == {"number": 1} and event["detail-type"] == "probe"
        return "invoked with the whole event" if whole else body
    return "not invoked"


@probe("a one-time schedule of EventBridge Scheduler")
@documented("target invoked", "scheduler/latest/UserGuide/schedule-types.html")
def one_time_schedule(aws: AwsSetup) -> str:
    queue, name = aws.queue(), aws.name()
    moment = datetime.now(UTC) + timedelta(seconds=5)
    aws.scheduler.create_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": aws.arn(queue), "RoleArn": aws.role, "Input": '{"wake": "up"}'},
    )
    return "target invoked" if aws.receive(queue, LIMIT) else "target not invoked"


@probe("a rule with a rate below a minute")
@documented("ValidationException", GUIDE + "eb-scheduled-rule-pattern.html")
def invalid_rate(aws: AwsSetup) -> str:
    """Every end-to-end test of the sweeper shows that `rate(1 minute)` calls its target."""
    return answer(
        lambda: aws.events.put_rule(Name=aws.name(), ScheduleExpression="rate(30 seconds)")
    )


@probe("a rule's InputPath of $.detail, to a queue")
@documented("the message is the detail alone", GUIDE + "eb-transform-target-input.html")
def input_path(aws: AwsSetup) -> str:
    queue = aws.queue()
    bus = bus_with(aws, aws.arn(queue), InputPath="$.detail")
    aws.events.put_events(Entries=[entry(bus, Detail='{"number": 1}')])
    bodies = [json.loads(body) for body in islice(aws.arriving(queue, LIMIT), 1)]
    return "the message is the detail alone" if bodies == [{"number": 1}] else f"{bodies}"


@probe("a rule to a deleted queue, with a dead letter queue")
@documented("the event is in the dead letter queue", GUIDE + "eb-rule-dlq.html")
@differs("the event is lost", covered="probes/test_covers.py checks the queues that rules name")
def deleted_target(aws: AwsSetup) -> str:
    queue, dead = aws.queue(), aws.queue()
    bus = bus_with(aws, aws.arn(queue), DeadLetterConfig={"Arn": aws.arn(dead)})
    aws.sqs.delete_queue(QueueUrl=queue)
    aws.events.put_events(Entries=[entry(bus)])
    there = aws.receive(dead, 3)
    return "the event is in the dead letter queue" if there else "the event is lost"
