"""Count the DynamoDB units of complete jobs, and the share of the hottest partition key.

    python -m bench.write_units [--small]

The jobs run in virtual time through the real functions, on moto; the units follow AWS's published
rules (`bench/dynamodb_units.py`). The ceiling is the rate at which the hottest key, of the table
or of an index, reaches 1,000 write units per second.
"""

import argparse

from bench.job_kinds import KINDS
from bench.measured_jobs import measure

KEY_CAPACITY = 1000
"""Write units per second of a partition key."""
JOB_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="two jobs, in two accounts")
    sizes = ((2, 2),) if parser.parse_args().small else ((32, 1), (128, 16))
    print(
        "job                | accounts | table | indexes | reads | hottest key     | share | jobs/s"
    )
    for kind in KINDS:
        for jobs, accounts in sizes:
            job = measure(kind, JOB_SECONDS, jobs, accounts)
            print(
                f"{kind.name:18} | {accounts:8} | {job.write_units - job.index_units:5.1f}"
                f" | {job.index_units:7.1f} | {job.read_units:5.1f} | {job.hottest_key:15}"
                f" | {job.hottest_units / job.write_units:5.3f}"
                f" | {KEY_CAPACITY / job.hottest_units:6.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
