"""Checks of the queues, their event source mappings and dead letters."""

import json
from collections.abc import Mapping

from cli.doctor.answer import Answer, Check, all_hold, failed, passed
from cli.doctor.deployment import Deployment

QUEUES = {"EventQueue": "EventDeadLetterQueue", "DeliveryQueue": "DeliveryDeadLetterQueue"}
MAPPINGS = {"EventQueueMapping": "notify", "DeliveryQueueMapping": "deliver"}
REDEPLOY = "deploy the stack again"


def redrive(deployment: Deployment) -> Answer:
    problems = []
    for queue, dead_letters in QUEUES.items():
        policy = json.loads(_attributes(deployment, queue).get("RedrivePolicy", "{}"))
        expected = _attributes(deployment, dead_letters)["QueueArn"]
        if policy.get("deadLetterTargetArn") != expected:
            problems.append(f"{queue} does not move failed messages to {dead_letters}")
    return all_hold(problems, "failed messages go to the dead-letter queues", REDEPLOY)


def dead_letters(deployment: Deployment) -> Answer:
    problems = [
        f"{queue} has {count} messages"
        for queue in QUEUES.values()
        if (count := _messages(_attributes(deployment, queue)))
    ]
    fix = "see the log of notify or deliver, then `rushes redrive`"
    return all_hold(problems, "the dead-letter queues are empty", fix)


def mappings(deployment: Deployment) -> Answer:
    client = deployment.client("lambda")
    problems = []
    for name, function in MAPPINGS.items():
        state = client.get_event_source_mapping(UUID=deployment.physical(name))["State"]
        if state not in ("Enabled", "Enabling", "Creating", "Updating"):
            problems.append(f"{function} does not read its queue ({state})")
    fix = "enable the event source mapping in the Lambda console, or deploy again"
    return all_hold(problems, "notify and deliver read their queues", fix)


def rule(deployment: Deployment) -> Answer:
    """The rule that moves events from the bus to the webhooks' queue."""
    bus, name = deployment.outputs["BusName"], deployment.physical("EventQueueRule").split("|")[-1]
    events = deployment.client("events")
    if events.describe_rule(Name=name, EventBusName=bus)["State"] != "ENABLED":
        return failed("the rule of the event queue is disabled: no webhooks", REDEPLOY)
    targets = events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
    queue = _attributes(deployment, "EventQueue")["QueueArn"]
    if queue not in {target["Arn"] for target in targets}:
        return failed("the rule of the event queue has another target: no webhooks", REDEPLOY)
    return passed("events reach the webhooks' queue")


def _attributes(deployment: Deployment, queue: str) -> Mapping[str, str]:
    found: Mapping[str, str] = deployment.client("sqs").get_queue_attributes(
        QueueUrl=deployment.physical(queue), AttributeNames=["All"]
    )["Attributes"]
    return found


def _messages(attributes: Mapping[str, str]) -> int:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return sum(int(attributes.get(name, 0)) for name in names)


CHECKS = (
    Check("queues.redrive", redrive),
    Check("queues.dead_letters", dead_letters),
    Check("queues.mappings", mappings),
    Check("queues.rule", rule),
)
