"""Memory of this process: its peak during a call, and a limit of its address space."""

import gc
import json
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")
KILOBYTE, MEGABYTE = 1024, 1024 * 1024

Run = Callable[[], str]
"""Gives an input to the code under test and returns its outcome."""


@dataclass(frozen=True)
class Bomb:
    """An input within the transport's bounds that is as expensive as possible."""

    prepare: Callable[[], Run]
    """Builds the input, whose own memory counts; what building it took does not."""
    outcome: str
    """Text that the outcome contains."""


Bombs = Mapping[str, Bomb]


@dataclass(frozen=True)
class Measured:
    outcome: str
    expected: str
    peak_megabytes: float
    seconds: float

    def as_json(self, name: str) -> str:
        return json.dumps({"name": name, **asdict(self)})


def measure(bomb: Bomb) -> Measured:
    """Run once.

    The peak is VmHWM, which is reset before: `ru_maxrss` would include the process that started
    this one, and all earlier inputs.
    """
    run = bomb.prepare()
    gc.collect()
    RESET.write_text("5")
    start = time.monotonic()
    try:
        outcome = run()
    except BaseException as error:  # noqa: BLE001 - MemoryError and a panic of Rust code, too
        outcome = f"{type(error).__name__}: {str(error)[:200]}"
    seconds = time.monotonic() - start
    return Measured(outcome, bomb.outcome, round(_kilobytes("VmHWM") / 1024, 1), round(seconds, 2))


def limit_address_space(megabytes: float) -> None:
    """Let this process grow to `megabytes` of resident memory.

    Mapped libraries make the address space larger than the resident memory, so that the limit is
    relative: what is mapped now, and the resident memory that is still left.
    """
    left = int(megabytes * MEGABYTE) - _kilobytes("VmRSS") * KILOBYTE
    limit = _kilobytes("VmSize") * KILOBYTE + left
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _kilobytes(name: str) -> int:
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
