"""What the sandbox refuses to do; each protocol has its own words for each kind."""


class SandboxError(Exception):
    """Anything the job core says no to."""


class RefusedError(SandboxError):
    """The prompt breaks the sandbox's content policy."""


class TooManyRequestsError(SandboxError):
    """The client must wait a second."""


class ReusedKeyError(SandboxError):
    """The idempotency key has been used for something else."""


class UnavailableError(SandboxError):
    """The sandbox has a bad moment."""


class UnknownJobError(SandboxError):
    """No job has this id."""


class NotReadyError(SandboxError):
    """The job has no video, or none yet."""


class UnusableInputError(SandboxError):
    """A picture or a video that a client sent cannot be used; the argument says why."""
