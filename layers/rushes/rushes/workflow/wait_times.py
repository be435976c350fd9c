"""Compute delays before and between polls, and before retries.

First poll: the 5th percentile of the durations of similar jobs, or earlier for a job that waits at
its provider, which is polled at that time again when it has begun. Then delays grow with the job's
age, to about 150 polls per hour at most, each with 9 events of the execution's history.
"""

import math

from rushes.catalog.source import CatalogSource, find_model
from rushes.jobs.job import Job
from rushes.ports.providers import Timing, Timings

FIFTH_PERCENTILE = -1.645
"""Standard deviations below the mean, of a normal distribution."""
STEP = 0.12
"""Delay to the next poll as a fraction of the job's age."""
MIN_REQUESTED_STEP = 0.09
"""Smallest fraction if the provider requests a shorter delay."""
LATE_STEP = 0.02
"""Fraction of the job's age that replaces `MAX_DELAY` for jobs that run for hours."""
MIN_DELAY, MAX_DELAY = 1.0, 30.0
MAX_REQUESTED_DELAY = 300.0
"""Longest delay that a provider may request."""
EWMA_WINDOW = 20
"""Jobs after which an old duration has little weight."""
MAX_QUEUED_DELAY = 15
"""Longest time until the first poll of a job that waits at its provider: it shows the beginning."""
DEAD_LETTER_STEP = 0.1
MIN_DEAD_LETTER, MAX_DEAD_LETTER = 60.0, 1800.0
MIN_VARIANCE = 0.01
MIN_SAMPLES = 3
"""Durations recorded before they are used."""
AT_FIRST_POLL = 1.15
"""A duration below this multiple of the first delay means: done at the first poll."""


def timing_key(job: Job) -> str:
    """Return the key shared by jobs of similar duration."""
    request = job.request
    return f"{job.provider}/{job.upstream_model}/{request.seconds}s/{request.size}"


def record_duration(timing: Timing, seconds: float) -> Timing:
    """Add a duration to the moving average; newer jobs weigh more.

    `seconds` is the time until a poll saw the result. A job done at the first poll was done some
    time before it: half is recorded, so that a first delay that is too long shrinks.
    """
    if timing.count >= MIN_SAMPLES and seconds < first_poll_delay(timing, 0) * AT_FIRST_POLL:
        seconds /= 2
    value = math.log(max(seconds, 0.1))
    count = timing.count + 1
    weight = max(1 / count, 1 / EWMA_WINDOW)
    distance = value - timing.mean
    return Timing(
        count=count,
        mean=timing.mean + weight * distance,
        variance=(1 - weight) * (timing.variance + weight * distance**2),
    )


def first_poll_delay(timing: Timing, typical_seconds: float) -> int:
    if timing.count < MIN_SAMPLES:
        return whole_seconds(typical_seconds / 2, MAX_DELAY)
    spread = math.sqrt(max(timing.variance, MIN_VARIANCE))
    return whole_seconds(math.exp(timing.mean + FIFTH_PERCENTILE * spread), MAX_REQUESTED_DELAY)


def typical_delay(job: Job, timings: Timings, catalogs: CatalogSource) -> int:
    """Return the seconds after the create call before which few similar jobs were done."""
    model = find_model(catalogs, job)
    typical_seconds = model.typical_seconds if model else MAX_DELAY
    return first_poll_delay(timings.get(timing_key(job)), typical_seconds)


def dead_letter_delay(age_seconds: float) -> int:
    """Return the seconds until a failed job's result is fetched again: about 80 times a day."""
    return whole_seconds(max(age_seconds * DEAD_LETTER_STEP, MIN_DEAD_LETTER), MAX_DEAD_LETTER)


def next_poll_delay(age_seconds: float, requested_seconds: float | None, shortest: float) -> int:
    """Return the seconds until the next poll of a job of that age.

    A delay that the provider requests takes precedence, but shortens the default by a quarter at
    most: the history of an execution is limited.
    """
    if requested_seconds is not None:
        floor = min_requested_delay(age_seconds)
        return whole_seconds(max(requested_seconds, floor), MAX_REQUESTED_DELAY)
    return whole_seconds(max(age_seconds * STEP, shortest), _longest(age_seconds))


def min_requested_delay(age_seconds: float) -> float:
    """Return the seconds that a requested delay is raised to at least."""
    return min(age_seconds * MIN_REQUESTED_STEP, _longest(age_seconds))


def _longest(age_seconds: float) -> float:
    return min(max(MAX_DELAY, age_seconds * LATE_STEP), MAX_REQUESTED_DELAY)


def retry_delay(tries: int, requested_seconds: float | None) -> int:
    """Return the seconds until the next try: as requested, or 2, 4, 8 … 60."""
    if requested_seconds is not None:
        return whole_seconds(requested_seconds, MAX_REQUESTED_DELAY)
    return whole_seconds(2.0 ** min(tries, 6), 60.0)


def whole_seconds(seconds: float, longest: float) -> int:
    """Round up within bounds; this order of arguments turns a NaN into a number."""
    return math.ceil(min(max(MIN_DELAY, seconds), longest))
