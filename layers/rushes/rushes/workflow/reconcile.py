"""Look a provider through for a job whose create call was not answered."""

from rushes.errors import UpstreamConfused
from rushes.jobs.job import Job
from rushes.ports import Egress, Upstream
from rushes.providers.base import AskAlso, Finds, Submitted

PAGES = 30
"""The most that one look goes through."""


def look_through(egress: Egress, upstream: Upstream, provider: Finds, job: Job) -> Submitted | None:
    """What the provider has of ours; None where it lists nothing since the job was accepted.

    Raises
    ------
    UpstreamConfused
        If there are too many newer ones to go through: then nothing is proved.
    """
    call = provider.find(job)
    for _ in range(PAGES):
        found = provider.found(job, egress.send(upstream, call))
        if not isinstance(found, AskAlso):
            return found
        call = found.call
    raise UpstreamConfused("the provider lists too many newer jobs to be sure")
