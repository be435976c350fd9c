"""Job statuses and their allowed transitions."""

from enum import StrEnum


class JobStatus(StrEnum):
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """Internal progress of a job, finer than its status."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    SUBMITTING = "submitting"
    RUNNING = "running"
    STORING = "storing"
    FINISHED = "finished"


TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})

PREDECESSORS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset(),
    JobStatus.IN_PROGRESS: frozenset({JobStatus.QUEUED}),
    JobStatus.COMPLETED: frozenset({JobStatus.IN_PROGRESS}),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED, JobStatus.IN_PROGRESS}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED, JobStatus.IN_PROGRESS}),
}
"""Allowed previous statuses of each status. A terminal status never changes."""


class UpstreamCancelled(StrEnum):
    """Effect of a cancel at the provider.

    yes: nothing runs there. no: the provider had finished, or it is unknown whether it stops.
    unsupported: the provider cannot cancel such a job.
    """

    YES = "yes"
    NO = "no"
    UNSUPPORTED = "unsupported"
