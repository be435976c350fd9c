"""Inject every kind of fault into many jobs: `python -m tests.faults --jobs 10000`.

The exit status is 1 if an invariant was violated. `--seed 1:17 --jobs 80` repeats one batch.
"""

import argparse
import os
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
    args = parser.parse_args()
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"  # else EMF lines mix with the report
    began, total = time.monotonic(), Report()
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn")) as pool:
        seeds, sizes = zip(*batches(args.jobs, args.seed), strict=True)
        for report in pool.map(run_batch, seeds, sizes):
            total.add(report)
            sys.stderr.write(f"\r{total.jobs} jobs, {time.monotonic() - began:.0f} s ")
    sys.stderr.write("\n")
    sys.stdout.write(total.table() + "\n")
    return 1 if total.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
