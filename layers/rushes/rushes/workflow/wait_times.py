"""How long to wait: before the first look at a job, and between looks. Pure arithmetic.

First wait: the time by which only one job in twenty of its kind has ended, learned from those
before it. Then steps that grow with the job's age, so that a long job is not asked after often:
at most about 150 looks in an hour, 9 events of history each.
"""

import math

from rushes.jobs.job import Job
from rushes.ports import Timing

FIFTH_PERCENTILE = -1.645
"""Standard deviations below the mean, of a normal distribution."""
STEP = 0.12
"""A look's distance to the next, as a part of the job's age."""
SHORTEST_STEP = 0.09
"""The same, where the provider asks for shorter ones."""
SHORTEST, LONGEST = 1.0, 30.0
LATE_STEP = 0.02
"""The part of a job's age that a step may always have: one that takes a day is asked less often."""
LONGEST_ON_REQUEST = 300.0
"""The most that a provider may make us wait by its own word."""
MEMORY = 20
"""Jobs after which an old one hardly counts."""
LEAST_VARIANCE = 0.01
KNOWN = 3
"""Jobs of a kind after which what they teach is used."""
AT_FIRST_LOOK = 1.15
"""As a part of the first wait: what was done by then was done at the first look."""


def timing_key(job: Job) -> str:
    """Jobs of one kind take about equally long."""
    request = job.request
    return f"{job.provider}/{job.upstream_model}/{request.seconds}s/{request.size}"


def learned(timing: Timing, seconds: float) -> Timing:
    """The timing with one more job in it, the newer ones counting more.

    `seconds` is when it was seen to be done. One that was done at the first look was so at some
    time before: half of it is taken, and a first wait that has become too long mends itself.
    """
    if timing.count >= KNOWN and seconds < first_wait(timing, 0) * AT_FIRST_LOOK:
        seconds /= 2
    value = math.log(max(seconds, 0.1))
    count = timing.count + 1
    weight = max(1 / count, 1 / MEMORY)
    distance = value - timing.mean
    return Timing(
        count=count,
        mean=timing.mean + weight * distance,
        variance=(1 - weight) * (timing.variance + weight * distance**2),
    )


def first_wait(timing: Timing, typical_seconds: float) -> int:
    if timing.count < KNOWN:
        return whole(typical_seconds / 2, LONGEST)
    spread = math.sqrt(max(timing.variance, LEAST_VARIANCE))
    return whole(math.exp(timing.mean + FIFTH_PERCENTILE * spread), LONGEST_ON_REQUEST)


def next_wait(age_seconds: float, asked_seconds: float | None, shortest: float) -> int:
    """Seconds until the next look at a job of that age.

    What the provider asked for comes first, but it does not make us look much more often than
    we would: the history of an execution is limited.
    """
    longest = min(max(LONGEST, age_seconds * LATE_STEP), LONGEST_ON_REQUEST)
    if asked_seconds is not None:
        floor = min(age_seconds * SHORTEST_STEP, longest)
        return whole(max(asked_seconds, floor), LONGEST_ON_REQUEST)
    return whole(max(age_seconds * STEP, shortest), longest)


def retry_wait(tries: int, asked_seconds: float | None) -> int:
    """Seconds until something that failed is tried again: 2, 4, 8 … 60."""
    if asked_seconds is not None:
        return whole(asked_seconds, LONGEST_ON_REQUEST)
    return whole(2.0 ** min(tries, 6), 60.0)


def whole(seconds: float, longest: float) -> int:
    """Whole seconds within bounds. In this order of arguments even a NaN becomes a number."""
    return math.ceil(min(max(SHORTEST, seconds), longest))
