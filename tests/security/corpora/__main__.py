"""Send the corpora in full: `python -m tests.security.corpora`.

Each family runs in its own process. The exit status is 1 if an answer is wrong.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.security.corpora.families import MINIMUM, run

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "POWERTOOLS_METRICS_DISABLED": "true",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security.corpora")
    parser.add_argument("--family", choices=sorted(MINIMUM), action="append")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    families, began, failed = args.family or [*MINIMUM], time.monotonic(), False
    # A fresh process per family: the in-memory adapters replace those of the process.
    with ProcessPoolExecutor(
        args.processes, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for report in pool.map(run, families):
            failed |= bool(report.findings) or report.cases < MINIMUM[report.family]
            sys.stdout.write(f"{report.shown()}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
