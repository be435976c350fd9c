"""Look up a job at its provider after a create call without a response."""

from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.ports import Clock
from rushes.ports.http import HttpClient, HttpReply, Upstream
from rushes.providers import limits
from rushes.providers.base import NextPage, Submitted, SupportsLookup
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.parse_reply import parse_reply
from rushes.workflow.task import Transition

MAX_PAGES = 30
PAGES_SECONDS = 150.0
"""No page is requested later: a call of 85 seconds then ends before the function's time limit."""
LOOKUP_SECONDS = 900.0
"""2 x create timeout + 10 minutes of clock skew.

A job that the provider does not list by then was not created.
"""


def lookup(
    http_client: HttpClient, upstream: Upstream, provider: SupportsLookup, job: Job, clock: Clock
) -> Submitted | None:
    """Search the provider's list; None if it has no match since the job was accepted.

    Raises
    ------
    UpstreamProtocolError
        If newer jobs fill more than `MAX_PAGES` pages, or the provider takes more than
        `PAGES_SECONDS` for them: then absence is not proved.
    """

    def parse(reply: HttpReply) -> Submitted | NextPage | None:
        return limits.check_lookup(provider.parse_lookup(job, reply))

    call, begun = provider.lookup_request(job), clock()
    for _ in range(MAX_PAGES):
        if clock() - begun > PAGES_SECONDS:
            raise UpstreamProtocolError(
                f"the provider's list of newer jobs takes more than {PAGES_SECONDS:.0f} s"
            )
        found = parse_reply(job, http_client.send(upstream, call), parse)
        if not isinstance(found, NextPage):
            return found
        call = found.call
    raise UpstreamProtocolError(f"the provider lists more than {MAX_PAGES} pages of newer jobs")


def is_absent(job: Job, now: float) -> bool:
    """Whether a create call that is not listed by now created nothing."""
    begun = job.submission_unconfirmed_since or ((job.lease_until or 0.0) - LEASE_SECONDS)
    return now - begun > LOOKUP_SECONDS


def confirm_absent(seen: Job) -> Transition:
    """Clear the unconfirmed submission, unless another execution has begun a newer one."""

    def change(job: Job, now: float) -> Job:
        return job.confirmed_absent(now) if job.submissions == seen.submissions else job

    return change
