"""Run many seeds on all cores, or tell one again: `python -m tests.simulation --seeds 100000`."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.report import Tally, run_seeds
from tests.simulation.scenario import Story
from tests.simulation.trace import tell

BATCH = 500


def main() -> int:
    options = _options()
    logging.disable(logging.CRITICAL)
    if options.seed is not None:
        return _tell_one(options.seed)
    started = time.monotonic()
    total = Tally()
    for tally in _run(options.first, options.seeds, options.jobs):
        total.add(tally)
        seconds = time.monotonic() - started
        progress = (
            f"{total.seeds:,} of {options.seeds:,} seeds, {len(total.broken)} with violations"
        )
        print(f"\r{progress}, {total.seeds / seconds:,.0f} seeds/s", end="", flush=True)
    print()
    print("\n".join(total.lines(time.monotonic() - started)))
    return 1 if total.broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="run this one only, and tell what happens")
    return parser.parse_args()


def _run(first: int, seeds: int, processes: int) -> Iterator[Tally]:
    starts = range(first, first + seeds, BATCH)
    sizes = (min(BATCH, first + seeds - start) for start in starts)
    if processes == 1:
        yield from map(run_seeds, starts, sizes)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run_seeds, starts, sizes)


def _tell_one(seed: int) -> int:
    story = Story(seed)
    tell(story.harness)
    broken = story.run()
    print("\n".join(broken) or "all promises kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
