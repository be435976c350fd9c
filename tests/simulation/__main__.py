"""Run many seeds on all cores: `python -m tests.simulation --seeds 100000`.

`--seed 7` runs one seed and prints every port call.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.report import Tally, run_seeds
from tests.simulation.scenario import Scenario
from tests.simulation.trace import print_trace

BATCH = 500


def main() -> int:
    options = _options()
    logging.disable(logging.CRITICAL)
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"  # else EMF lines mix with the report
    if options.seed is not None:
        return _run_one(options.seed)
    started = time.monotonic()
    total = Tally()
    for tally in _run(options.first, options.seeds, options.jobs):
        total.add(tally)
        seconds = time.monotonic() - started
        progress = (
            f"{total.seeds:,} of {options.seeds:,} seeds, {len(total.violations)} with violations"
        )
        print(f"\r{progress}, {total.seeds / seconds:,.0f} seeds/s", end="", flush=True)
    print()
    print("\n".join(total.lines(time.monotonic() - started)))
    return 1 if total.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="run this seed only, and print its calls")
    return parser.parse_args()


def _run(first: int, seeds: int, processes: int) -> Iterator[Tally]:
    starts = range(first, first + seeds, BATCH)
    sizes = (min(BATCH, first + seeds - start) for start in starts)
    if processes == 1:
        yield from map(run_seeds, starts, sizes)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run_seeds, starts, sizes)


def _run_one(seed: int) -> int:
    scenario = Scenario(seed)
    print_trace(scenario.harness)
    violations = scenario.run()
    print("\n".join(violations) or "all invariants hold")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
