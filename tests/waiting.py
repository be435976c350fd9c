"""Wait for conditions; a test must not depend on the machine's speed."""

import time
from collections.abc import Callable
from typing import TypeVar

MAX_WAIT_SECONDS = 300.0
"""Longer than any condition needs while other programs occupy every core."""
PAUSE_SECONDS = 0.05
Result = TypeVar("Result")


def wait_for(poll: Callable[[], Result], seconds: float = MAX_WAIT_SECONDS) -> Result:
    """Return the first truthy result of `poll`; raise AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := poll()):
        assert time.monotonic() < deadline, f"still {result!r} after {seconds:.0f} s"
        time.sleep(PAUSE_SECONDS)
    return result
