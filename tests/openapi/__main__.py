"""Check the OpenAPI documents: `python -m tests.openapi`.

Each document runs in its own process. The exit status is 1 if a response is a server error, or not
as documented.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from tests.openapi.document_run import DOCUMENTS, HEADING, run_document
from tests.security.corpora.__main__ import ENVIRONMENT

DEFAULT_CASES = 120
"""Of each operation: more than 20,000 in all."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.openapi")
    parser.add_argument("--document", choices=DOCUMENTS, action="append")
    parser.add_argument("--cases", type=int, default=DEFAULT_CASES, help="of each operation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    documents, began, failed, total = args.document or DOCUMENTS, time.monotonic(), False, 0
    sys.stdout.write(f"{HEADING}\n")
    run = partial(run_document, cases=args.cases, first_seed=args.seed)
    with ProcessPoolExecutor(
        args.processes, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for report in pool.map(run, documents):
            failed |= bool(report.violations)
            total += report.cases
            sys.stdout.write(f"{report.shown()}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{total} cases in {time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
