"""Look up a job at its provider after a create call without a response."""

from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.ports.http import HttpClient, Upstream
from rushes.providers.base import NextPage, Submitted, SupportsLookup
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.task import Transition

MAX_PAGES = 30
LOOKUP_SECONDS = 900.0
"""2 x create timeout + 10 minutes of clock skew.

A job that the provider does not list by then was not created.
"""


def lookup(
    http_client: HttpClient, upstream: Upstream, provider: SupportsLookup, job: Job
) -> Submitted | None:
    """Search the provider's list; None if it has no match since the job was accepted.

    Raises
    ------
    UpstreamProtocolError
        If newer jobs fill `MAX_PAGES` pages: then absence is not proved.
    """
    call = provider.lookup_request(job)
    for _ in range(MAX_PAGES):
        found = provider.parse_lookup(job, http_client.send(upstream, call))
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
