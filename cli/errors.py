"""Errors and exit codes of the command."""

OK = 0
NO = 1
"""The answer is no: invalid configuration, differences, conflict, rejected key, failed job."""
FAILED = 2
"""The command could not do its work: wrong usage, AWS, network."""
INTERRUPTED = 130
"""Ctrl-C."""

EXIT_CODES = {
    OK: "done; the answer is yes",
    NO: "the answer is no: not found, refused, invalid configuration, different, failed",
    FAILED: "the command failed: wrong usage or value, AWS, network",
    INTERRUPTED: "interrupted by Ctrl-C",
}


class CommandError(Exception):
    """A message for the user; `exit_code` is that of the process."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
