"""Look a provider through for a job whose create call was not answered."""

from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.ports import HttpClient, Upstream
from rushes.providers.base import FetchResult, Submitted, SupportsLookup

PAGES = 30
"""The most that one look goes through."""


def look_through(
    http_client: HttpClient, upstream: Upstream, provider: SupportsLookup, job: Job
) -> Submitted | None:
    """What the provider has of ours; None where it lists nothing since the job was accepted.

    Raises
    ------
    UpstreamConfused
        If there are too many newer ones to go through: then nothing is proved.
    """
    call = provider.find(job)
    for _ in range(PAGES):
        found = provider.found(job, http_client.send(upstream, call))
        if not isinstance(found, FetchResult):
            return found
        call = found.call
    raise UpstreamProtocolError("the provider lists too many newer jobs to be sure")
