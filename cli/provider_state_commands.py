"""`rushes provider status`, `pause` and `resume`: providers at run time."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.operator_services import provider_control, refusals
from cli.options import JsonOption
from cli.output import print_json, print_result, print_table
from cli.times import duration, utc_time
from rushes.api.provider_control.service import ProviderControl
from rushes.api.provider_control.views import JobsView, ProviderView

COLUMNS = ("provider", "state", "calls 1 h", "errors", "last error", "waiting", "running", "note")
DRAIN_SECONDS = 5.0
"""Between two counts of the running jobs."""

NameArgument = Annotated[str, typer.Argument(help="The provider, as in the configuration.")]


@with_deployment
def show_status(
    name: Annotated[str | None, typer.Argument(help="By default all providers.")] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print the state of providers: pauses, circuits, errors of the last hour and open jobs."""
    control = provider_control(deployment.target())
    if name is not None:
        with refusals():
            view = control.get(name)
        print_result(view.model_dump(mode="json"), *_details(view), json=json)
        return
    found = control.list()
    if json:
        print_json(found.model_dump(mode="json"))
        return
    print_table(COLUMNS, map(_row, found.providers))
    if not found.jobs_are_complete:
        typer.echo("there are more open jobs than were counted: the numbers are lower bounds")


@with_deployment
def pause(
    name: NameArgument,
    reason: Annotated[str, typer.Option("--reason", help="For other operators.")],
    until: Annotated[
        str | None,
        typer.Option(
            help="End: a UTC day, a time with a time zone, or 30m, 2h, 1d. Without it: `resume`."
        ),
    ] = None,
    drain: Annotated[
        bool, typer.Option("--drain", help="Wait until the running jobs are finished.")
    ] = False,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Send no create call to a provider. Its running jobs continue.

    Jobs with another provider fail over to it; the others wait, until their deadline at most.
    """
    target = deployment.target()
    control = provider_control(target)
    with refusals():
        view = control.pause(name, reason, _end(until), target.caller())
    if drain:
        _wait_until_drained(control, name)
    ends = f"until {view.until:%Y-%m-%d %H:%M:%S} UTC" if view.until else "until it is resumed"
    drained = "; no job runs there" if drain else ""
    value = {"provider": name, **view.model_dump(mode="json"), "is_drained": drain or None}
    print_result(value, f"{name} is paused {ends}{drained}", json=json)


@with_deployment
def resume(
    name: NameArgument,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """End the pause of a provider. Jobs that wait for it begin within a minute."""
    target = deployment.target()
    with refusals():
        was_paused = provider_control(target).resume(name, target.caller())
    text = "resumed; waiting jobs begin within a minute" if was_paused else "was not paused"
    print_result({"provider": name, "was_paused": was_paused}, f"{name} {text}", json=json)


def _wait_until_drained(control: ProviderControl, name: str) -> None:
    shown: tuple[int, int] | None = None
    while True:
        jobs = control.get(name).jobs
        counts = jobs.running, jobs.creating
        if not any(counts):
            return
        if counts != shown:
            message = f"{name}: {jobs.running} jobs run, {jobs.creating} create calls are sent"
            typer.echo(message, err=True)
            shown = counts
        time.sleep(DRAIN_SECONDS)


def _end(until: str | None) -> datetime | None:
    if until is None:
        return None
    if ahead := duration(until):
        return datetime.now(UTC) + ahead
    return utc_time(until, "--until", "or 30m, 2h, 1d from now")


def _row(view: ProviderView) -> tuple[str, ...]:
    rate = view.calls.error_rate
    return (
        view.name,
        view.state,
        str(view.calls.total),
        "" if rate is None else f"{rate:.0%}",
        view.last_error.code if view.last_error else "",
        str(view.jobs.waiting),
        str(view.jobs.running),
        _note(view),
    )


def _note(view: ProviderView) -> str:
    if view.pause:
        end = f" (until {view.pause.until:%Y-%m-%d %H:%M} UTC)" if view.pause.until else ""
        return f"{view.pause.reason}{end}"
    reasons = [one.reason for one in view.circuits if one.state != "closed"]
    return "; ".join(dict.fromkeys(reasons))


def _details(view: ProviderView) -> list[str]:
    lines = [f"{view.name}: {view.state}"]
    if view.pause:
        lines.append(f"paused since {view.pause.since:%Y-%m-%d %H:%M:%S} UTC: {_note(view)}")
    for circuit in view.circuits:
        of = f"model {circuit.model}" if circuit.model else "all models"
        until = f" until {circuit.open_until:%H:%M:%S} UTC" if circuit.open_until else ""
        lines.append(
            f"circuit of {of}: {circuit.state}{until}, {circuit.failures} failed calls:"
            f" {circuit.reason}"
        )
    if view.throttled_until:
        lines.append(f"asked for no create call until {view.throttled_until:%H:%M:%S} UTC")
    rate = "" if view.calls.error_rate is None else f" ({view.calls.error_rate:.1%})"
    lines.append(f"calls of the last hour: {view.calls.total}, failed {view.calls.failed}{rate}")
    if error := view.last_error:
        code = f" ({error.upstream_code})" if error.upstream_code else ""
        lines.append(f"last error: {error.at:%H:%M:%S} UTC, {error.call}: {error.code}{code}")
    return [*lines, _jobs(view.jobs)]


def _jobs(jobs: JobsView) -> str:
    oldest = jobs.oldest_waiting_seconds
    waited = "" if oldest is None else f" (the oldest for {oldest} s)"
    return (
        f"jobs: {jobs.waiting} waiting{waited}, {jobs.creating} creating, {jobs.running} running,"
        f" {jobs.fetched_again} finished ones fetched again"
    )
