"""Errors and exit codes of the command."""

OK = 0
NO = 1
"""The answer is no: invalid configuration, differences, conflict, rejected key."""
FAILED = 2
"""The command could not do its work: wrong usage, AWS, network."""


class CommandError(Exception):
    """A message for the user; `exit_code` is that of the process."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
