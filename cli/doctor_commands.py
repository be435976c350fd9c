"""`rushes doctor`: print the answer of each check."""

from collections import Counter
from typing import Annotated

import typer

from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.doctor.active_checks import ActiveChecks
from cli.doctor.answer import Answer, Check, Status
from cli.doctor.deployment import Deployment
from cli.doctor.run import CHECKS, run
from cli.errors import NO, CommandError
from cli.options import JsonOption
from cli.output import print_json, print_table


@with_deployment
def doctor(
    deployment: DeploymentOptions = NO_OPTIONS,
    only: Annotated[str, typer.Option(help="Checks whose name contains this text.")] = "",
    jobs_per_second: Annotated[
        float, typer.Option(min=0.01, help="Rate that the account's quotas should allow.")
    ] = 5.0,
    active: Annotated[
        bool, typer.Option("--active", help="Also run a job, which costs, and send test webhooks.")
    ] = False,
    model: Annotated[
        str, typer.Option(help="Video model of that job; by default the configuration's.")
    ] = "",
    api_key: Annotated[
        str, typer.Option(envvar="RUSHES_API_KEY", help="API key of that job.", show_envvar=True)
    ] = "",
    max_seconds: Annotated[float, typer.Option(help="Longest time of that job.")] = 900.0,
    json: JsonOption = False,
) -> None:
    """Check a deployment: pass, fail or cannot tell, with the reason and the fix.

    Nothing is changed without --active. The exit code is 1 if a check fails.
    """
    if active and not api_key:
        raise CommandError("--active needs the variable RUSHES_API_KEY, or --api-key")
    target = deployment.target()
    checks = [
        *CHECKS,
        *(ActiveChecks(api_key, model, max_seconds).checks() if active else ()),
    ]
    chosen = [check for check in checks if only in check.name]
    if not chosen:
        raise CommandError(f"--only {only}: no check has this text in its name")
    answers = list(run(chosen, Deployment(target, jobs_per_second)))
    if json:
        print_json([_as_json(check, answer) for check, answer in answers])
    else:
        _print(answers)
    if any(answer.status is Status.FAIL for _, answer in answers):
        raise typer.Exit(NO)


def _as_json(check: Check, answer: Answer) -> dict[str, str]:
    return {
        "check": check.name,
        "status": answer.status.value,
        "reason": answer.reason,
        "fix": answer.fix,
    }


def _print(answers: list[tuple[Check, Answer]]) -> None:
    print_table(
        ("check", "answer", "reason"),
        ((check.name, answer.status.value, _with_fix(answer)) for check, answer in answers),
    )
    counts = Counter(answer.status for _, answer in answers)
    typer.echo(", ".join(f"{counts[status]} {status.value}" for status in Status))


def _with_fix(answer: Answer) -> str:
    return f"{answer.reason}. Fix: {answer.fix}" if answer.fix else answer.reason
