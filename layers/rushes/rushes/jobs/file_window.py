"""Bounded random access to a file whose first bytes are in memory."""

from collections.abc import Callable

ReadRange = Callable[[int, int], bytes]
"""Read up to a number of bytes from an offset, as from an object in the bucket."""
READ_BYTES = 64 * 1024
MAX_READS = 16
"""Of ranges that are not in memory: a file with 12 tracks and its index at the end takes 14."""
MAX_CALLS = 20_000
"""Calls of `read`, so that a file of many small parts takes bounded time."""


class FileWindow:
    """`head` is the beginning of a file of `size` bytes; without `read_range` it is all."""

    def __init__(
        self, head: bytes, size: int | None = None, read_range: ReadRange | None = None
    ) -> None:
        self._head = head
        self._read_range = read_range
        self._start, self._buffer = 0, b""
        self._reads = self._calls = 0
        self.size = len(head) if size is None else size

    def read(self, start: int, count: int) -> bytes:
        """Return up to `count` bytes, at most `READ_BYTES` of those that are not in memory.

        There are fewer, or none, at the end of the file and when a limit is reached.
        """
        self._calls += 1
        count = min(count, self.size - start)
        if count <= 0 or self._calls > MAX_CALLS:
            return b""
        if start + count <= len(self._head) or self._read_range is None:
            return self._head[start : start + count]
        if self._has(start, count) or self._load(start):
            offset = start - self._start
            return self._buffer[offset : offset + count]
        return self._head[start : start + count]

    def _has(self, start: int, count: int) -> bool:
        return self._start <= start and start + count <= self._start + len(self._buffer)

    def _load(self, start: int) -> bool:
        if self._read_range is None or self._reads >= MAX_READS:
            return False
        self._reads += 1
        self._start, self._buffer = start, self._read_range(start, READ_BYTES)
        return bool(self._buffer)  # empty if the object was replaced by a shorter one
