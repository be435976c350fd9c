"""`rushes redrive|reencrypt|reindex|invoke`: maintenance of a stack."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli import dead_letters, invocations, signing_secrets
from cli.account_names import account_names
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.options import JsonOption
from cli.output import print_json, print_result, warn
from cli.reindexing import reindex as rewrite_jobs

AccountsOption = Annotated[
    list[str] | None,
    typer.Option("--account", help="Also this account; registered ones are known. Repeatable."),
]


@with_deployment
def redrive(
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Move the messages of the dead-letter queues back to their queues.

    Mend the cause first. The command can be interrupted and repeated.
    """
    target = deployment.target()
    target.record("queues.redrive", f"stack:{target.stack}")
    moved = dead_letters.redrive(target.client("sqs"), target.outputs)
    lines = [f"{one.messages} message(s) moved back to {one.queue}" for one in moved]
    print_result([asdict(one) for one in moved], *lines, json=json)


@with_deployment
def reencrypt(
    accounts: AccountsOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Encrypt the webhook signing secrets of all accounts with the current version of the key.

    Secrets stay readable at every step; the command can be interrupted and repeated.
    """
    target = deployment.target()
    target.record("webhooks.reencrypt", f"stack:{target.stack}")
    names = dict.fromkeys([*account_names(target), *(accounts or ())])
    count = signing_secrets.reencrypt(target, target.outputs["WebhookKey"], names)
    line = f"encrypted the secrets of {count} webhook endpoint(s) and account(s)"
    print_result({"encrypted": count, "accounts": len(names)}, line, json=json)


@with_deployment
def reindex(
    accounts: AccountsOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Rewrite the jobs that an older release stored without what lists and searches read.

    The command can be interrupted and repeated.
    """
    target = deployment.target()
    names = dict.fromkeys([*account_names(target), *(accounts or ())])
    done = rewrite_jobs(target, names)
    for failure in done.failures:
        warn(failure)
    line = f"rewrote {done.rewritten} jobs of {len(names)} account(s)"
    print_result({**asdict(done), "accounts": len(names)}, line, json=json)


@with_deployment
def invoke(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="FUNCTION/CASE of events/invoke.")],
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Invoke a function with a payload of events/invoke, and print its response as JSON.

    The exit code is 1 if the function fails.
    """
    del json  # the response is JSON with and without the option
    print_json(invocations.invoke(deployment.target(), event))
