"""Where a job may stand, and how it may come there."""

from enum import StrEnum


class JobStatus(StrEnum):
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """Where a job stands, finer than its status."""

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
"""For each status, those that a job may come to it from. A finished job never moves again."""


class UpstreamCancelled(StrEnum):
    """What became of a cancelled job at its provider.

    yes: nothing runs there (any more). no: it was told, and may go on all the same.
    unsupported: it cannot be told.
    """

    YES = "yes"
    NO = "no"
    UNSUPPORTED = "unsupported"
