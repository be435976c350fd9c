"""Invoke a function of a stack with a payload of `events/invoke`, in a clone of the repository."""

import json
from typing import Any

from cli.errors import NO, CommandError
from cli.target import ROOT, Target

FOLDER = ROOT / "events/invoke"


def events() -> list[str]:
    """Return the names of the payloads, such as `submit/first`."""
    return sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.glob("*/*.json"))


def invoke(target: Target, event: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the function's response.

    Raises
    ------
    CommandError
        If the payload is unknown, or with the function's error.
    """
    if not events():
        raise CommandError("the payloads are in a clone of the repository: run ./rushes there")
    if event not in events():
        raise CommandError(f"unknown event {event!r} ({', '.join(events())})")
    function = target.client("cloudformation").describe_stack_resource(
        StackName=target.stack,
        LogicalResourceId=f"{event.partition('/')[0].capitalize()}Function",
    )["StackResourceDetail"]["PhysicalResourceId"]
    answer = target.client("lambda").invoke(
        FunctionName=function, Payload=(FOLDER / f"{event}.json").read_bytes()
    )
    response = json.load(answer["Payload"])
    if answer.get("FunctionError"):
        raise CommandError(json.dumps(response, indent=2), NO)
    return response
