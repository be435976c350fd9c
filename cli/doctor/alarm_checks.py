"""Checks of the alarms: that each has an action, a confirmed receiver, and no cause."""

from collections.abc import Mapping
from typing import Any

from cli.doctor.answer import Answer, Check, all_hold, failed, passed
from cli.doctor.deployment import Deployment

NOT_LOCAL = "the local stack has no alarms"
ALARM, DASHBOARD = (
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
)
PENDING = "PendingConfirmation"


def actions(deployment: Deployment) -> Answer:
    alarms = _alarms(deployment)
    if not alarms:
        return failed("the stack has no alarms", "deploy the current release")
    silent = [f"{name} has no action" for name, found in alarms.items() if not _topics(found)]
    silent += [
        f"the actions of {name} are disabled"
        for name, found in alarms.items()
        if not found.get("ActionsEnabled", True)
    ]
    fix = "deploy with AlarmTopic (the ARN of an SNS topic) or AlarmEmail"
    return all_hold(silent, f"{len(alarms)} alarms notify somebody", fix)


def states(deployment: Deployment) -> Answer:
    alarms = _alarms(deployment)
    raised = [
        f"{name}: {found.get('StateReason', '')[:120]}"
        for name, found in alarms.items()
        if found["StateValue"] == "ALARM"
    ]
    return all_hold(raised, f"none of {len(alarms)} alarms is raised", "see docs/runbook.md")


def subscription(deployment: Deployment) -> Answer:
    """Whether the alarms' topics have a receiver that confirmed its subscription."""
    topics = {topic for found in _alarms(deployment).values() for topic in _topics(found)}
    topics = {topic for topic in topics if ":sns:" in topic}
    if not topics:
        return failed("no alarm has a topic", "deploy with AlarmTopic or AlarmEmail")
    client = deployment.client("sns")
    problems = []
    for topic in sorted(topics):
        found = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        name = topic.rpartition(":")[2]
        if not found:
            problems.append(f"topic {name} has no subscription")
        elif all(one["SubscriptionArn"] == PENDING for one in found):
            problems.append(f"no subscription of topic {name} is confirmed")
    fix = "subscribe to the topic, and follow the link of the confirmation mail"
    return all_hold(problems, "the alarms' topic has a confirmed subscription", fix)


def dashboard(deployment: Deployment) -> Answer:
    names = deployment.of_type(DASHBOARD).values()
    if not names:
        return failed("the stack has no dashboard", "deploy the current release")
    client = deployment.client("cloudwatch")
    for name in names:
        client.get_dashboard(DashboardName=name)
    return passed(f"dashboard {', '.join(names)}")


def _alarms(deployment: Deployment) -> Mapping[str, Mapping[str, Any]]:
    """Return the alarms of the stack by logical id; one that was deleted by hand is absent."""
    names = {physical: logical for logical, physical in deployment.of_type(ALARM).items()}
    pages = deployment.client("cloudwatch").get_paginator("describe_alarms").paginate()
    return {
        names[found["AlarmName"]]: found
        for page in pages
        for found in page["MetricAlarms"]
        if found["AlarmName"] in names
    }


def _topics(alarm: Mapping[str, Any]) -> list[str]:
    return list(alarm.get("AlarmActions", ()))


def complete(deployment: Deployment) -> Answer:
    missing = deployment.of_type(ALARM).keys() - _alarms(deployment).keys()
    problems = [f"{name} was deleted" for name in sorted(missing)]
    return all_hold(problems, "all alarms of the template exist", "deploy the stack again")


CHECKS = (
    Check("alarms.complete", complete, not_local=NOT_LOCAL),
    Check("alarms.actions", actions, not_local=NOT_LOCAL),
    Check("alarms.subscription", subscription, not_local=NOT_LOCAL),
    Check("alarms.states", states, not_local=NOT_LOCAL),
    Check("alarms.dashboard", dashboard, not_local=NOT_LOCAL),
)
