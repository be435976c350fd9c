"""EventBridge: what is taken, what is matched, and where it arrives."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.probes.aws_setup import Ground
from tests.probes.probe import answer, probes_of

probe = probes_of("EventBridge")

API = "eventbridge/latest/APIReference/"
GUIDE = "eventbridge/latest/userguide/"


def entry(bus: str, **changes: Any) -> dict[str, Any]:
    return {
        "EventBusName": bus,
        "Source": "probes",
        "DetailType": "probe",
        "Detail": "{}",
        **changes,
    }


def bus_with(aws: Ground, target: str, pattern: dict[str, Any] | None = None) -> str:
    """A bus with a rule that leads to a target."""
    bus = aws.name()
    aws.events.create_event_bus(Name=bus)
    wanted = json.dumps(pattern or {"source": ["probes"]})
    aws.events.put_rule(Name=bus, EventBusName=bus, EventPattern=wanted)
    aws.events.put_targets(Rule=bus, EventBusName=bus, Targets=[{"Id": "one", "Arn": target}])
    return bus


@probe(
    "PutEvents with one entry whose detail is no JSON",
    aws="200; MalformedDetail for that entry, the other arrives",
    engine="200; no failure, 2 arrive",
    source=API + "API_PutEvents.html",
    covered="tests answer with failed entries themselves: fakes.py, simulation/ports.py",
)
def an_entry_that_fails(aws: Ground) -> str:
    queue = aws.queue()
    bus = bus_with(aws, aws.arn(queue))
    reply = aws.events.put_events(Entries=[entry(bus, Detail="no JSON"), entry(bus)])
    failed = [it["ErrorCode"] for it in reply["Entries"] if "ErrorCode" in it]
    arrived = len(list(aws.arriving(queue, 2)))
    assert reply["FailedEntryCount"] == len(failed)
    if failed == ["MalformedDetail"] and arrived == 1:
        return "200; MalformedDetail for that entry, the other arrives"
    return f"200; {', '.join(failed) or 'no failure'}, {arrived} arrive"


@probe(
    "PutEvents with eleven entries",
    aws="ValidationException",
    source=API + "API_PutEvents.html",
)
def too_many_entries(aws: Ground) -> str:
    return answer(lambda: aws.events.put_events(Entries=[entry("default")] * 11))


@probe(
    "an event that a rule's pattern matches, and one that it does not",
    aws="the first is in the rule's queue",
    source=GUIDE + "eb-event-patterns.html",
)
def a_rule_to_a_queue(aws: Ground) -> str:
    queue = aws.queue()
    wanted = {"source": ["probes"], "detail": {"status": [{"prefix": "comp"}]}}
    bus = bus_with(aws, aws.arn(queue), wanted)
    statuses = [entry(bus, Detail=json.dumps({"status": it})) for it in ("completed", "failed")]
    aws.events.put_events(Entries=statuses)
    found = [json.loads(body)["detail"]["status"] for body in aws.arriving(queue, 2)]
    return "the first is in the rule's queue" if found == ["completed"] else f"{found}"


@probe(
    "a rule to a queue whose policy does not let EventBridge in",
    aws="nothing arrives",
    engine="the event arrives",
    source=GUIDE + "eb-use-resource-based.html",
    covered="probes/test_covers.py reads the template's queue policies",
)
def a_queue_that_is_shut(aws: Ground) -> str:
    queue = aws.queue()
    bus = bus_with(aws, aws.arn(queue))
    aws.events.put_events(Entries=[entry(bus)])
    return "the event arrives" if aws.receive(queue, 2) else "nothing arrives"


@probe(
    "a rule to a function",
    aws="it is called with the whole event",
    source=GUIDE + "eb-targets.html",
)
def a_rule_to_a_function(aws: Ground) -> str:
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
    for body in aws.arriving(queue, 15):
        event = json.loads(body)
        whole = event["detail"] == {"number": 1} and event["detail-type"] == "probe"
        return "it is called with the whole event" if whole else body
    return "it is not called"


@probe(
    "a schedule of Amazon EventBridge Scheduler for a moment to come",
    aws="its target is called",
    source="scheduler/latest/UserGuide/schedule-types.html",
)
def a_schedule(aws: Ground) -> str:
    queue, name = aws.queue(), aws.name()
    moment = datetime.now(UTC) + timedelta(seconds=2)
    aws.scheduler.create_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": aws.arn(queue), "RoleArn": aws.role, "Input": '{"wake": "up"}'},
    )
    return "its target is called" if aws.receive(queue, 20) else "its target is not called"


@probe(
    "a rule with a rate of no whole number of minutes",
    aws="ValidationException",
    source=GUIDE + "eb-scheduled-rule-pattern.html",
)
def a_rate_that_is_none(aws: Ground) -> str:
    """That `rate(1 minute)` calls its target is seen by every end-to-end test of the sweeper."""
    return answer(
        lambda: aws.events.put_rule(Name=aws.name(), ScheduleExpression="rate(30 seconds)")
    )


@probe(
    "a rule's InputPath of $.detail, to a queue",
    aws="the message is the detail alone",
    source=GUIDE + "eb-transform-target-input.html",
)
def an_input_path(aws: Ground) -> str:
    queue, bus = aws.queue(), aws.name()
    aws.events.create_event_bus(Name=bus)
    aws.events.put_rule(Name=bus, EventBusName=bus, EventPattern='{"source": ["probes"]}')
    target = {"Id": "one", "Arn": aws.arn(queue), "InputPath": "$.detail"}
    aws.events.put_targets(Rule=bus, EventBusName=bus, Targets=[target])
    aws.events.put_events(Entries=[entry(bus, Detail='{"number": 1}')])
    bodies = [json.loads(body) for body in aws.arriving(queue, 2)]
    return "the message is the detail alone" if bodies == [{"number": 1}] else f"{bodies}"


@probe(
    "a rule to a queue that is gone, with a dead letter queue",
    aws="the event is in the dead letter queue",
    engine="the event is lost",
    source=GUIDE + "eb-rule-dlq.html",
    covered="probes/test_covers.py looks at the queues that rules name",
)
def a_target_that_is_gone(aws: Ground) -> str:
    queue, dead, bus = aws.queue(), aws.queue(), aws.name()
    target = {"Arn": aws.arn(queue), "DeadLetterConfig": {"Arn": aws.arn(dead)}}
    aws.events.create_event_bus(Name=bus)
    aws.events.put_rule(Name=bus, EventBusName=bus, EventPattern='{"source": ["probes"]}')
    aws.events.put_targets(Rule=bus, EventBusName=bus, Targets=[{"Id": "one", **target}])
    aws.sqs.delete_queue(QueueUrl=queue)
    aws.events.put_events(Entries=[entry(bus)])
    there = aws.receive(dead, 3)
    return "the event is in the dead letter queue" if there else "the event is lost"
