"""Write docs/cost.md from measured jobs and AWS's list prices.

python -m bench.cost             print the page
python -m bench.cost --write     write docs/cost.md
python -m bench.cost --measure   measure the jobs again, record them, and write the page
"""

import argparse

from bench.cost_page import page
from bench.job_kinds import KINDS
from bench.measured_jobs import MeasuredJobs, measure, measure_idle, read_measured, write_measured
from cli.aws_prices import read_prices
from cli.load_model import read_quotas
from local.packaging import ROOT, read_template

PAGE = ROOT / "docs/cost.md"
SECONDS = (30, 180, 600)
ACCOUNTS, JOBS = 16, 32
"""Of a measurement: so that the hottest key is that of a busy deployment."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/cost.md")
    parser.add_argument("--measure", action="store_true", help="measure again (a minute)")
    args = parser.parse_args()
    if args.measure:
        write_measured(measure_all())
    text = rendered()
    if args.write or args.measure:
        PAGE.write_text(text, "utf-8")
    else:
        print(text, end="")


def rendered() -> str:
    """Return the page from the recorded measurements."""
    return page(
        read_measured(),
        read_prices(),
        read_quotas().function_seconds,
        read_template(ROOT / "template.yaml"),
    )


def measure_all() -> MeasuredJobs:
    first, *others = KINDS
    runs = [*((first, seconds) for seconds in SECONDS), *((kind, SECONDS[1]) for kind in others)]
    jobs = tuple(measure(kind, seconds, JOBS, ACCOUNTS) for kind, seconds in runs)
    return MeasuredJobs(idle_read_units=measure_idle(), jobs=jobs)


if __name__ == "__main__":
    main()
