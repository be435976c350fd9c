"""Open jobs by model, to warn about models that a new configuration drops."""

import time
from collections import Counter

from rushes.aws.dynamodb.jobs import JobTable
from rushes.catalog.models import Catalog

FAR_FUTURE = 10 * 365 * 24 * 3600.0
MAX_JOBS = 5000
"""Of each account and kind; a busy deployment has more, and the counts are then lower bounds."""


def open_jobs_of_dropped_models(jobs: JobTable, new: Catalog) -> dict[str, int]:
    """Return the number of open jobs by model, for models that `new` does not have.

    A job's fallbacks count, too. The jobs finish under the version that accepted them.
    """
    known = {model.name for model in new.models}
    counts: Counter[str] = Counter()
    for job in jobs.due(time.time() + FAR_FUTURE, MAX_JOBS):
        if job.needs_execution:
            counts.update({job.model or job.request.model, *job.fallbacks} - known)
    return dict(counts.most_common())
