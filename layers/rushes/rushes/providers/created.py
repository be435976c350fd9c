"""Read from the reply to a create call whether the provider has begun the job."""

from dataclasses import replace

from rushes.errors import UpstreamProtocolError
from rushes.json_pointer import resolve_in_json, resolve_pointer
from rushes.ports.http import HttpReply
from rushes.providers.base import Submitted
from rushes.providers.states import State, state_of

OBJECTS = ("", "/data", "/output", "/response", "/task")
STATUSES = ("/status", "/state", "/task_status")
"""Pointers to a job in such replies, and to its status in it."""


def with_beginning(submitted: Submitted, reply: HttpReply) -> Submitted:
    """Return the accepted job as started if a status in the reply says that it runs.

    A word for success may be about the request; a poll follows within seconds.
    """
    try:
        body = resolve_in_json(reply.body, "")
    except UpstreamProtocolError:
        return submitted
    found = (resolve_pointer(body, f"{place}{name}") for place in OBJECTS for name in STATUSES)
    states = [state_of(status) for status in found if isinstance(status, str)]
    return replace(submitted, started=True) if State.RUNNING in states else submitted
