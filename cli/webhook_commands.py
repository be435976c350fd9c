"""`rushes webhook`: an account's webhook endpoints and the messages to them."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.account_names import account_names, check_account
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.error_codes import UNKNOWN, error_codes
from cli.errors import NO, CommandError
from cli.options import JsonOption
from cli.output import moment, print_json, print_lines, print_result, print_table
from cli.times import PAST, past_time
from cli.webhooks import RESEND_SECONDS, AccountWebhooks, problem_of
from rushes.api.webhooks.schemas import ResendRequest
from rushes.api.webhooks.views import serialize_delivery, serialize_endpoint
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import Endpoint

OwnerOption = Annotated[str, typer.Option("--account", help="The account of the endpoint.")]
EndpointArgument = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's id.")]

app = typer.Typer(help="Webhook endpoints of accounts, and messages to them.", no_args_is_help=True)


@app.command("list")
@with_deployment
def list_endpoints(
    account: Annotated[
        str | None, typer.Option("--account", help="By default all accounts.")
    ] = None,
    failing: Annotated[
        bool, typer.Option("--failing", help="Only those that get no events, or get them late.")
    ] = False,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List webhook endpoints and their health."""
    target, now = deployment.target(), time.time()
    found = [
        endpoint
        for name in ([account] if account else account_names(target))
        for endpoint in AccountWebhooks(target, name).endpoints.all(name)
        if not failing or problem_of(endpoint, now)
    ]
    if account and not found:
        check_account(target, account)
    if json:
        print_json([_as_json(endpoint, now) for endpoint in found])
    elif found:
        columns = ("endpoint", "account", "url", "health", "failing since", "events")
        print_table(columns, [_row(endpoint, now) for endpoint in found])
    else:
        typer.echo("no webhook endpoint is failing" if failing else "there is no webhook endpoint")


@app.command("show")
@with_deployment
def show_endpoint(
    endpoint_id: EndpointArgument,
    account: OwnerOption,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print an endpoint: its health, its latest attempts, and what you can do."""
    target, now = deployment.target(), time.time()
    webhooks = AccountWebhooks(target, account)
    endpoint, latest = webhooks.find(endpoint_id), webhooks.attempts(endpoint_id, 5)
    reason = endpoint.disabled_reason or "failing"
    problem = problem_of(endpoint, now)
    remedy = error_codes().webhooks.get(reason, UNKNOWN) if problem else None
    names = {"endpoint": endpoint.id, "account": account}
    steps = remedy.commands_for(names, target.options) if remedy else []
    if json:
        deliveries = [serialize_delivery(one, endpoint) for one in latest]
        print_json({**_as_json(endpoint, now), "deliveries": deliveries, "next_steps": steps})
        return
    lines = [f"{endpoint.id} of {account}: {problem or 'healthy'}"]
    lines.append(f"  {endpoint.url}, format {endpoint.format}")
    if endpoint.failing_since:
        lines.append(f"  failing since {moment(endpoint.failing_since)}")
    lines += [f"  {_line(delivery)}" for delivery in latest]
    if remedy:
        lines += [f"  to do: {remedy.operator}", "Next steps", *(f"  {step}" for step in steps)]
    print_lines(lines)


@app.command("attempts")
@with_deployment
def list_attempts(
    endpoint_id: EndpointArgument,
    account: OwnerOption,
    limit: Annotated[int, typer.Option(min=1, max=100, help="The newest messages.")] = 20,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List the newest messages to an endpoint, with each attempt."""
    webhooks = AccountWebhooks(deployment.target(), account)
    endpoint, found = webhooks.find(endpoint_id), webhooks.attempts(endpoint_id, limit)
    if json:
        print_json([serialize_delivery(one, endpoint) for one in found])
    else:
        print_lines([*map(_line, found)] or ["no message was sent to this endpoint"])


@app.command("resend")
@with_deployment
def resend_messages(
    endpoint_id: EndpointArgument,
    account: OwnerOption,
    message: Annotated[str | None, typer.Option(help="Only this message.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help=f"All messages since then: {PAST}; by default since the endpoint began to fail."
        ),
    ] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Send messages to an endpoint again, in the background. It must be enabled."""
    if message and since:
        raise CommandError("give either --message or --since")
    webhooks = AccountWebhooks(deployment.target(), account)
    endpoint = webhooks.find(endpoint_id)
    begin = _begin(endpoint) if since is None else past_time(since, "--since")
    request = ResendRequest(message_id=message) if message else ResendRequest(since=begin)
    count = webhooks.resend(endpoint_id, request)
    line = f"{count} message(s) are sent again" + ("" if message else f", since {begin:%F %T} UTC")
    print_result(
        {"resent": count, "since": None if message else begin.isoformat()}, line, json=json
    )


@app.command("test")
@with_deployment
def send_test(
    endpoint_id: EndpointArgument,
    account: OwnerOption,
    event_type: Annotated[str | None, typer.Option(help="Type of the test event.")] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Send a test event and wait for its attempt. The exit code is 1 if it is not accepted."""
    webhooks = AccountWebhooks(deployment.target(), account)
    delivery = webhooks.test(endpoint_id, event_type)
    attempt = delivery.attempts[0] if delivery.attempts else None
    accepted = bool(attempt and attempt.status_code and 200 <= attempt.status_code < 300)
    answer = str(attempt.status_code or attempt.error) if attempt else "not attempted yet"
    result = {"message_id": delivery.message_id, "accepted": accepted, "answer": answer}
    print_result(result, f"{'accepted' if accepted else 'not accepted'}: {answer}", json=json)
    if not accepted:
        raise typer.Exit(NO)


@app.command("enable")
@with_deployment
def enable_endpoint(
    endpoint_id: EndpointArgument,
    account: OwnerOption,
    resend: Annotated[
        bool, typer.Option("--resend", help="Also send again all since it began to fail.")
    ] = False,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Enable an endpoint again, and with --resend send it what it missed."""
    webhooks = AccountWebhooks(deployment.target(), account)
    begin = _begin(webhooks.find(endpoint_id))
    endpoint = webhooks.enable(endpoint_id)
    count = webhooks.resend(endpoint_id, ResendRequest(since=begin)) if resend else 0
    line = f"{endpoint.id} is enabled; {count} message(s) are sent again"
    print_result({**_as_json(endpoint, time.time()), "resent": count}, line, json=json)


@app.command("disable")
@with_deployment
def disable_endpoint(
    endpoint_id: EndpointArgument,
    account: OwnerOption,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Stop all deliveries to an endpoint until it is enabled."""
    webhooks = AccountWebhooks(deployment.target(), account)
    endpoint = webhooks.disable(endpoint_id)
    print_result(_as_json(endpoint, time.time()), f"{endpoint.id} is disabled", json=json)


def _begin(endpoint: Endpoint) -> datetime:
    """Return the time from which the endpoint has missed messages, or a day ago."""
    return datetime.fromtimestamp(endpoint.failing_since or time.time() - RESEND_SECONDS, UTC)


def _as_json(endpoint: Endpoint, now: float) -> dict[str, object]:
    shown = serialize_endpoint(endpoint)
    return {**shown, "account": endpoint.account, "problem": problem_of(endpoint, now)}


def _row(endpoint: Endpoint, now: float) -> tuple[str, ...]:
    since = moment(endpoint.failing_since) if endpoint.failing_since else ""
    events = " ".join(endpoint.event_types) or "all"
    health = problem_of(endpoint, now) or "healthy"
    return endpoint.id, endpoint.account, endpoint.url, health, since, events


def _line(delivery: Delivery) -> str:
    attempts = ", ".join(
        f"{moment(attempt.at)} {attempt.status_code or attempt.error}"
        for attempt in delivery.attempts
    )
    event = delivery.event["type"]
    return f"{delivery.message_id}  {event}  {delivery.status.value}  {attempts or 'no attempt'}"
