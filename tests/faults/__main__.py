"""Every kind of fault at many jobs: `python -m tests.faults --jobs 10000`.

Ends with 1 where a promise was broken. A batch is run again, alone, by its seed:
`python -m tests.faults --seed 1:17 --jobs 80`.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.faults.batch import run_batch
from tests.faults.report import Report

BATCH = 80


def batches(jobs: int, seed: str) -> list[tuple[str, int]]:
    if ":" in seed:
        return [(seed, jobs)]
    sizes = [min(BATCH, jobs - begun) for begun in range(0, jobs, BATCH)]
    return [(f"{seed}:{number}", size) for number, size in enumerate(sizes)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", default="1")
    asked = parser.parse_args()
    began, total = time.monotonic(), Report()
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        seeds, sizes = zip(*batches(asked.jobs, asked.seed), strict=True)
        for report in pool.map(run_batch, seeds, sizes):
            total.add(report)
            sys.stderr.write(f"\r{total.jobs} jobs, {time.monotonic() - began:.0f} s ")
    sys.stderr.write("\n")
    sys.stdout.write(total.table() + "\n")
    return 1 if total.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
