"""Rate of jobs at which each AWS quota is reached, by the length of the jobs.

    python -m bench.load_model [--region eu-central-1] [--small]

It divides the quotas of `cli/aws_quotas.toml` by what a job uses (`bench/measured_jobs.toml`).
"""

import argparse
from collections.abc import Mapping

from bench.measured_jobs import MeasuredJob, read_measured
from cli.load_model import JobLoad, ceilings, read_quotas

KIND = "560 characters"
SHOWN = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--small", action="store_true", help="the shortest jobs only")
    args = parser.parse_args()
    quotas = read_quotas()
    jobs = [job for job in read_measured().jobs if job.kind == KIND]
    print("render s | jobs/s | quota")
    for job in jobs[:1] if args.small else jobs:
        load = load_of(job, quotas.function_seconds)
        for ceiling in ceilings(load, quotas.quotas, args.region, {})[:SHOWN]:
            print(f"{job.seconds:8} | {ceiling.jobs_per_second:6.0f} | {ceiling.quota.name}")


def load_of(job: MeasuredJob, function_seconds: Mapping[str, float]) -> JobLoad:
    """Return the load of a job; one account of many, so that no key but the shared ones is hot."""
    return JobLoad(
        job_seconds=job.seconds,
        transitions=job.transitions,
        function_seconds=sum(
            count * function_seconds[name] for name, count in job.invocations.items()
        ),
        hottest_key_units=job.hottest_units,
        table_units=job.busiest_units,
        api_requests=job.invocations["api"],
        events=job.events,
        object_writes=job.object_writes,
        secret_reads=0.0,  # a warm function keeps a secret for a minute
        describes=job.describes,
    )


if __name__ == "__main__":
    main()
