"""`rushes status`: the first command of an operator on call."""

from dataclasses import asdict

import typer

from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import NO
from cli.options import JsonOption
from cli.output import print_json, print_lines
from cli.overview import Overview, overview


@with_deployment
def status(
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print what needs an operator now, each with the commands that settle it.

    It looks at alarms, providers, paused and stuck jobs, accounts with many open jobs, budgets,
    webhook endpoints and dead-letter queues. The exit code is 1 if there is anything.
    """
    found = overview(deployment.target())
    if json:
        print_json(asdict(found))
    else:
        _print(found)
    if found.findings:
        raise typer.Exit(NO)


def _print(found: Overview) -> None:
    lines: list[str] = []
    for finding in found.findings:
        lines.append(f"{finding.kind} {finding.name}: {finding.problem}")
        lines += [f"    {command}" for command in finding.commands]
    if not found.findings:
        lines.append("nothing needs an operator")
    states = ", ".join(f"{name} {state}" for name, state in found.providers.items())
    lines.append(f"providers: {states or 'none'}")
    jobs = ", ".join(f"{account} {count}" for account, count in found.open_jobs.items())
    print_lines([*lines, f"open jobs: {jobs or 'none'}"])
