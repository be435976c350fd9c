"""Measure what searches read: DynamoDB requests and read units of each answer page.

    python -m bench.search [--small]

The jobs of the largest account are a fifth of all. Every list is walked from its first page, and
each page is compared with a filter of all jobs. The units follow AWS's published rules
(`bench/dynamodb_units.py`).
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from statistics import quantiles

from bench.search_jobs import MODELS, RARE_WORD, START, jobs_of, sizes
from bench.summary_index import SummaryIndex, Usage
from rushes.aws.dynamodb.job_items import state_item
from rushes.aws.dynamodb.job_search import JobSearchTable
from rushes.aws.dynamodb.summary_items import summary_item
from rushes.jobs.job import Job
from rushes.jobs.status import TERMINAL, JobStatus
from rushes.jobs.summary import summary_of
from rushes.ports.search import JobFilter

LIMIT = 20
MAX_PAGES = 3
"""DynamoDB requests of one answer page."""
DAY = 86_400
FILTERS: Mapping[str, JobFilter] = {
    "none": JobFilter(),
    "status=completed": JobFilter(statuses=frozenset({JobStatus.COMPLETED})),
    "status=failed": JobFilter(statuses=frozenset({JobStatus.FAILED})),
    "status=queued,in_progress": JobFilter(statuses=frozenset(JobStatus) - TERMINAL),
    "model=alias": JobFilter(model="sora-2"),
    "model=fal/model-0": JobFilter(model=MODELS[0]),
    "provider": JobFilter(provider="kling"),
    "key": JobFilter(key_id=f"{1:016x}"),
    "user (1 in 200)": JobFilter(user="user-7"),
    "tag (1 in 10)": JobFilter(tags={"team": "team-3"}),
    "two tags (1 in 500)": JobFilter(tags={"team": "team-3", "campaign": "campaign-9"}),
    "text (common)": JobFilter(text="fox"),
    "text (1 in 1,000)": JobFilter(text=RARE_WORD.upper()),
    "text (absent)": JobFilter(text="zeppelin"),
    "one day": JobFilter(since=START + 30 * DAY, until=START + 31 * DAY),
    "min_cost": JobFilter(min_cost=3.9),
    "max_cost": JobFilter(max_cost=0.1),
    "status, tag, text": JobFilter(
        statuses=frozenset({JobStatus.COMPLETED}), tags={"team": "team-3"}, text="sailor"
    ),
}


@dataclass
class Walk:
    """Answer pages of one filter: what each has read, and how many jobs it has."""

    requests: list[int] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)


class Measurement:
    """`jobs` has the present jobs by account."""

    def __init__(self, count: int, accounts: int) -> None:
        random = Random(1)  # noqa: S311 - repeatable, not secret
        self.jobs: dict[str, list[Job]] = {}
        summaries, states = [], []
        for number, size in enumerate(sizes(count, accounts)):
            account = f"account-{number}"
            for created, present in jobs_of(account, size, random):
                self.jobs.setdefault(account, []).append(present)
                summaries.append(summary_item(present if present.is_finished else created))
                if not present.is_finished:
                    states.append(state_item(present))
        self.index = SummaryIndex(summaries, states)

    def walk(self, filters: JobFilter, pages: int) -> Walk:
        """Read the first pages of all accounts; the summaries must be those that match."""
        found = Walk()
        for account in self.jobs:
            expected = self._matching(account, filters)
            for ids in self._pages(account, filters, pages, found):
                assert ids == list(islice(expected, len(ids)))
        return found

    def _pages(
        self, account: str, filters: JobFilter, pages: int, found: Walk
    ) -> Iterator[Sequence[str]]:
        search, cursor = JobSearchTable(self.index, "table"), None  # type: ignore[arg-type]
        for _ in range(pages):
            self.index.usage = Usage()
            page = search.page(account, filters, LIMIT, cursor)
            found.requests.append(self.index.usage.calls)
            found.units.append(self.index.usage.units)
            found.jobs.append(len(page.jobs))
            yield [job.id for job in page.jobs]
            cursor = page.next_cursor
            if cursor is None:
                return

    def _matching(self, account: str, filters: JobFilter) -> Iterator[str]:
        for job in reversed(self.jobs[account]):
            summary = summary_of(job).model_copy(update={"status": job.status})
            if filters.matches(summary):
                yield job.id


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="1,000 jobs of 4 accounts")
    is_small = parser.parse_args().small
    count, accounts, pages = (1000, 4, 2) if is_small else (100_000, 50, 5)
    measured = Measurement(count, accounts)
    print(f"{count:,} jobs of {accounts} accounts, the first {pages} pages of {LIMIT} jobs of each")
    print("filter                    | pages | jobs | requests p50 | p95 | units p50 | p95   | max")
    for name, filters in FILTERS.items():
        found = measured.walk(filters, pages)
        assert max(found.requests) <= MAX_PAGES
        print(
            f"{name:25} | {len(found.jobs):5} | {sum(found.jobs) / len(found.jobs):4.1f}"
            f" | {_percentile(found.requests, 50):12.0f} | {_percentile(found.requests, 95):3.0f}"
            f" | {_percentile(found.units, 50):9.1f} | {_percentile(found.units, 95):5.1f}"
            f" | {max(found.units):5.1f}",
            flush=True,
        )


def _percentile(values: Sequence[float], percent: int) -> float:
    if len(values) == 1:
        return values[0]
    return quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
