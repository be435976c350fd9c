"""State of a deployment at a glance: what needs an operator now, and the commands for it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.account_names import account_names
from cli.budgets import budgets, default_limits
from cli.dead_letters import DEAD_LETTERS
from cli.error_codes import error_codes
from cli.operator_services import provider_control
from cli.paused_jobs import FAR_FUTURE, detail_of, paused_jobs, reason_of
from cli.publication import Publisher
from cli.stuck_jobs import stuck_jobs
from cli.target import Target
from cli.webhooks import AccountWebhooks, problem_of
from rushes.api.provider_control.views import ProviderView
from rushes.errors import RushesError
from rushes.jobs.quota import in_dollars
from rushes.webhooks.endpoint import Endpoint

NEAR = 0.8
"""Share of a budget from which it is shown."""
MANY_JOBS, MANY_SHARE = 20, 0.5
"""Open jobs of one account from which it is shown as flooding, and its share of all."""
MAX_JOBS = 5000
MAX_SHOWN = 10
"""Findings of one kind; the command of the first one lists all."""
CODES = {"circuit_open": "upstream_unreachable", "throttled": "upstream_busy"}
REJECTED = "upstream_unauthorized"


@dataclass(frozen=True)
class Finding:
    """Something that needs an operator. `commands` settle it, or show more of it."""

    kind: str
    """provider, job, budget, account, webhook, queue, alarm, or check for what cannot be read."""
    name: str
    problem: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    findings: tuple[Finding, ...]
    providers: Mapping[str, str]
    """State by name."""
    open_jobs: Mapping[str, int]
    """By account, the highest number first; lower bounds above 5,000."""


def overview(target: Target) -> Overview:
    """Look at everything; what cannot be read is a finding, too."""
    now, states, counts = time.time(), dict[str, str](), Counter[str]()
    checks: Mapping[str, Callable[[], Iterator[Finding]]] = {
        "alarms": lambda: _alarms(target),
        "providers": lambda: _providers(target, states),
        "jobs": lambda: _jobs(target, now),
        "accounts": lambda: _accounts(target, counts, now),
        "budgets": lambda: _budgets(target, now),
        "webhooks": lambda: _webhooks(target, now),
        "queues": lambda: _queues(target),
    }
    findings = [finding for name, check in checks.items() for finding in _run(name, check, target)]
    return Overview(tuple(findings), states, dict(counts.most_common(MAX_SHOWN)))


def _run(name: str, check: Callable[[], Iterator[Finding]], target: Target) -> list[Finding]:
    try:
        return list(check())
    except (RushesError, BotoCoreError, ClientError) as error:
        command = f"rushes doctor --only {name.removesuffix('s')}"
        return [Finding("check", name, f"cannot tell: {error}", _commands(target, command))]


def _alarms(target: Target) -> Iterator[Finding]:
    if target.is_local:
        return
    pages = target.client("cloudwatch").get_paginator("describe_alarms")
    for page in pages.paginate(StateValue="ALARM", AlarmNamePrefix=f"{target.stack}-"):
        for alarm in page["MetricAlarms"]:
            text = alarm.get("AlarmDescription") or alarm.get("StateReason", "")
            yield Finding("alarm", alarm["AlarmName"], text, _commands(target, "rushes doctor"))


def _providers(target: Target, states: dict[str, str]) -> Iterator[Finding]:
    for view in provider_control(target).list().providers:
        states[view.name] = view.state
        yield from _provider(view, target)


def _provider(view: ProviderView, target: Target) -> Iterator[Finding]:
    if view.state == "available":
        return
    if view.pause:
        until = f", until {view.pause.until:%F %T} UTC" if view.pause.until else ""
        code, reason = "provider_paused", f"{view.pause.reason}{until}"
    else:
        opened = [one for one in view.circuits if one.state != "closed"]
        is_rejected = any(one.model for one in opened)
        code = REJECTED if is_rejected else CODES[view.state]
        reason = "; ".join(one.reason for one in opened) or "it throttles create calls"
    remedy = error_codes().codes[code]
    waiting = f"; {view.jobs.waiting} job(s) wait" if view.jobs.waiting else ""
    commands = [one for one in remedy.commands if "{job}" not in one]
    filled = remedy.model_copy(update={"commands": tuple(commands)}).commands_for(
        {"provider": view.name}, target.options
    )
    yield Finding("provider", view.name, f"{view.state}: {reason}{waiting}", tuple(filled))


def _jobs(target: Target, now: float) -> Iterator[Finding]:
    known = error_codes()
    for job in list(paused_jobs(target.jobs))[:MAX_SHOWN]:
        reason = reason_of(job)
        remedy = known.pauses.get(reason.replace(" ", "_"), known.pauses["restarts"])
        commands = tuple(remedy.commands_for({"job": job.id}, target.options))
        yield Finding("job", job.id, f"paused ({reason}): {detail_of(job)}", commands)
    for job in stuck_jobs(target, now)[:MAX_SHOWN]:
        problem = "dead letter" if job.is_dead_letter else "overdue: nothing has repaired it"
        yield Finding("job", job.id, problem, _commands(target, f"rushes job show {job.id}"))


def _accounts(target: Target, counts: Counter[str], now: float) -> Iterator[Finding]:
    due = target.jobs.due_ids(now + FAR_FUTURE, MAX_JOBS)
    counts.update(account for account, _ in due)
    total = counts.total()
    for account, count in counts.most_common(MAX_SHOWN):
        if count >= MANY_JOBS and count > MANY_SHARE * total:
            commands = (f"rushes account disable {account}", f"rushes job list --account {account}")
            problem = f"has {count} of {total} open jobs"
            yield Finding("account", account, problem, _commands(target, *commands))


def _budgets(target: Target, now: float) -> Iterator[Finding]:
    limits = Publisher(target.store, "").current().catalog.limits
    for one in budgets(target, limits, default_limits(target), None, now):
        if not one.maximum or one.used < NEAR * one.maximum:
            continue
        owner = f"key {one.key_id} of {one.account}" if one.key_id else one.account
        is_money = one.period is not None
        used, maximum = (
            (in_dollars(one.used), in_dollars(one.maximum))
            if is_money
            else (f"{one.used:.0f}", f"{one.maximum:.0f}")
        )
        problem = f"{one.limit}: {used} of {maximum} used"
        commands = (
            f"rushes usage --account {one.account}",
            f"rushes account disable {one.account}",
        )
        yield Finding("budget", owner, problem, _commands(target, *commands))


def _webhooks(target: Target, now: float) -> Iterator[Finding]:
    found: list[tuple[Endpoint, str]] = [
        (endpoint, problem)
        for account in account_names(target)
        for endpoint in AccountWebhooks(target, account).endpoints.all(account)
        if (problem := problem_of(endpoint, now)) and endpoint.disabled_reason != "owner"
    ]
    for endpoint, problem in found[:MAX_SHOWN]:
        reason = endpoint.disabled_reason or "failing"
        remedy = error_codes().webhooks.get(reason, error_codes().webhooks["failing"])
        names = {"endpoint": endpoint.id, "account": endpoint.account}
        commands = tuple(remedy.commands_for(names, target.options))
        where = f"{endpoint.url}, account {endpoint.account}"
        yield Finding("webhook", endpoint.id, f"{problem}: {where}", commands)


def _queues(target: Target) -> Iterator[Finding]:
    sqs: Any = target.client("sqs")
    for dead, _ in DEAD_LETTERS:
        url = target.outputs[dead]
        names = ["ApproximateNumberOfMessages"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if count := int(found[names[0]]):
            problem = f"{count} message(s) failed"
            yield Finding(
                "queue", dead.removesuffix("Url"), problem, _commands(target, "rushes redrive")
            )


def _commands(target: Target, *commands: str) -> tuple[str, ...]:
    return tuple(" ".join([command, *target.options]) for command in commands)
