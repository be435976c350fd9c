"""Errors of the job core; each protocol maps them to its own error responses."""


class SandboxError(Exception):
    """Base class of the core's errors."""


class RefusedError(SandboxError):
    """The prompt violates the content policy."""


class TooManyRequestsError(SandboxError):
    """The client must wait a second."""


class IdempotencyKeyReusedError(SandboxError):
    """The idempotency key belongs to a different request."""


class UnavailableError(SandboxError):
    """The sandbox is temporarily overloaded."""


class UnknownJobError(SandboxError):
    """No job has this id."""


class NotReadyError(SandboxError):
    """The job has no output, or none yet."""


class UnusableInputError(SandboxError):
    """An image or video sent by the client is unusable; the argument gives the reason."""
