"""Search of an account's jobs in the index of their summaries.

A page takes at most three requests: two queries, and a batch of the states of open jobs. The first
query reads a few entries for each job of the page, the second one 1 MB.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rushes.aws.dynamodb.batches import ItemBatches, batches
from rushes.aws.dynamodb.items import query_items, read_valid, report_corrupt
from rushes.aws.dynamodb.job_items import STATE, job_key, read_state
from rushes.aws.dynamodb.search_conditions import has_conditions, search_request
from rushes.aws.dynamodb.summary_items import read_summary
from rushes.aws.errors import translate_aws_errors
from rushes.errors import CorruptRecord
from rushes.jobs.job import Job
from rushes.jobs.summary import JobSummary, summary_of
from rushes.ports.search import JobFilter, SummaryPage, cursor_scope

FIRST_QUERY = 5
"""Entries that the first query with conditions reads for each job of the page."""
MIN_FIRST_QUERY = 100
SPARE_ENTRIES = 5
"""Entries that a query without conditions reads besides those of the page: some are deleted."""
MAX_STATES = 100
"""Keys of one batch."""
STATE_FIELDS = {"provider", "made_by", "finished_at", "estimated", "settled", "refunded", "deleted"}
"""Fields of a summary that the steps of a job change."""

Choice = Callable[[Sequence[JobSummary]], tuple[Sequence[JobSummary], bool]]


@dataclass(frozen=True)
class Entries:
    """Entries of the index in the list's order, and how many queries have read them."""

    found: Sequence[JobSummary]
    examined: Sequence[JobSummary]
    """The first of them, which the page is made of."""
    queries: int
    last: str | None
    """The last one that was read, if there are more."""


class JobSearchTable(ItemBatches):
    def page(
        self,
        account: str,
        jobs: JobFilter,
        limit: int,
        after: str | None = None,
        *,
        newest_first: bool = True,
    ) -> SummaryPage:
        scope = cursor_scope(account, jobs, newest_first=newest_first)
        position = None if after is None else scope.decode(after)
        request = search_request(account, jobs, position, newest_first=newest_first)
        if request is None:
            return SummaryPage()
        first = partial(_first, jobs=replace(jobs, statuses=frozenset()), limit=limit)
        queries = [{**request, **bound} for bound in _bounds(jobs, limit)]
        entries = self._entries(queries, first, position)
        examined = entries.examined
        matches = [job for job in self._present(examined) if jobs.matches(job)][:limit]
        if len(matches) == limit:
            last, behind = matches[-1].id, entries.found[-1].id
            has_more = entries.last is not None or last != behind
        else:
            is_end = len(examined) == len(entries.found)
            last = (entries.last or "") if is_end else examined[-1].id
            has_more = bool(last)
        reads = entries.queries + any(job.status is None for job in examined)
        return SummaryPage(tuple(matches), scope.encode(last) if has_more else None, reads)

    def summaries(self, account: str, since: float, until: float) -> Iterator[JobSummary]:
        jobs = JobFilter(since=since, until=until)
        request = search_request(account, jobs, newest_first=False, with_deleted=True)
        if request is None:
            return
        found = query_items(self._client, self._table, request, read_summary)
        for batch in batches(found, MAX_STATES):
            states = self._states([job for job in batch if job.status is None])
            for job in batch:
                state = states.get(job.id)
                yield _with_state(job, state) if state else job

    def _entries(
        self, queries: Sequence[dict[str, Any]], first: Choice, position: str | None
    ) -> Entries:
        """Query until a page takes no more; the entry at the position is left out."""
        found: list[JobSummary] = []
        examined: Sequence[JobSummary] = ()
        key: dict[str, Any] | None = None
        start: dict[str, Any] = {}
        done = 0
        for query in queries:
            done += 1
            with translate_aws_errors():
                reply = self._client.query(TableName=self._table, **query, **start)
            summaries = read_valid(reply["Items"], read_summary)
            found += [job for job in summaries if job.id != position]
            key = reply.get("LastEvaluatedKey")
            examined, is_full = first(found)
            if key is None or is_full:
                break
            start = {"ExclusiveStartKey": key}
        return Entries(found, examined, done, key["list_sk"]["S"] if key else None)

    def _present(self, found: Sequence[JobSummary]) -> Iterator[JobSummary]:
        """Yield jobs in their present state; open ones that cannot be read are left out."""
        states = self._states([job for job in found if job.status is None])
        for job in found:
            if job.status is not None:
                yield job
            elif state := states.get(job.id):
                yield _with_state(job, state).model_copy(update={"status": state.status})

    def _states(self, found: Sequence[JobSummary]) -> dict[str, Job]:
        """Read the states of jobs, by id."""
        if not found:
            return {}
        items = self.find([job_key(job.account, job.id) for job in found])
        states = {}
        for job in found:
            item = items.get((job_key(job.account, job.id)["pk"]["S"], STATE))
            if item is None:
                continue
            try:
                states[job.id] = read_state(item, job.model)
            except CorruptRecord as error:
                report_corrupt(item, error.message)
        return states


def _bounds(jobs: JobFilter, limit: int) -> Sequence[dict[str, int]]:
    """Return how many entries each query reads; without conditions nearly all of them match."""
    if has_conditions(jobs):
        return {"Limit": max(limit * FIRST_QUERY, MIN_FIRST_QUERY)}, {}
    return ({"Limit": limit + SPARE_ENTRIES},) * 2


def _first(
    found: Sequence[JobSummary], jobs: JobFilter, limit: int
) -> tuple[Sequence[JobSummary], bool]:
    """Return the first entries, and whether a page takes no more.

    They are `limit` that seem to match, and other open ones before, which may match by now: one
    batch reads the states of all open ones.
    """
    matches = states = 0
    for place, job in enumerate(found):
        is_open = job.status is None
        if matches == limit or (is_open and states == MAX_STATES):
            return found[:place], True
        states += is_open
        matches += not is_open or jobs.matches(job)
    return found, matches == limit


def _with_state(stored: JobSummary, job: Job) -> JobSummary:
    """Replace what a job's state says; the status is None until the job has ended."""
    summary = summary_of(job)
    update = {name: getattr(summary, name) for name in STATE_FIELDS}
    update["status"] = summary.status
    if summary.deleted:
        update |= {"prompt": "", "user": None}
    return stored.model_copy(update=update)
