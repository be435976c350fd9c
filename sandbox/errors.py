"""What the studio refuses to do; each protocol has its own words for each kind."""


class StudioError(Exception):
    """Anything the job core says no to."""


class RefusedError(StudioError):
    """The prompt breaks the studio's content policy."""


class TooManyRequestsError(StudioError):
    """The client must wait a second."""


class ReusedKeyError(StudioError):
    """The idempotency key has been used for something else."""


class UnavailableError(StudioError):
    """The studio has a bad moment."""


class UnknownJobError(StudioError):
    """No job has this id."""


class NotReadyError(StudioError):
    """The job has no video, or none yet."""


class UnusableInputError(StudioError):
    """A picture or a video that a client sent cannot be used; the argument says why."""
