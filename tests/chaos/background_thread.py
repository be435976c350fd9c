"""Thread that runs inside a `with` block."""

import threading
from collections.abc import Callable
from typing import Self


class BackgroundThread:
    """Runs `target`, which returns soon after `stopped` is set."""

    def __init__(self, target: Callable[[], None]) -> None:
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=target, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._thread.join()
