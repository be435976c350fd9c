"""Order of the create calls to a paced provider: accounts that wait take turns.

An account that has to wait gets one turn at the end of the queue, whatever the number of its jobs;
with a weight it may have as many turns.
The time before a turn is free for every account until half an interval remains.
"""

import math
import zlib

from rushes.ports.providers import Pace, Turn

TURN_GRACE = 3.0
"""Seconds by which a job may return late, for example after a cold start; then its turn is lost."""
MAX_SLEEP = 2.0
"""Seconds that submit waits by itself: the state machine waits for whole seconds only."""
MAX_TURNS = 300
"""Of one provider, whose item is rewritten for each: 45 KB at most. More accounts may starve."""


def take_turn(
    pace: Pace, wanted: Turn, now: float, interval: float, weight: int = 1
) -> tuple[Pace, float]:
    """Take the create call that is due now, or a turn at `wanted.at` or later.

    Return the new pace and the seconds until the job's next try; 0 allows the create call now.
    """
    turns = tuple(turn for turn in pace.turns if turn.at + TURN_GRACE >= now)
    own = _own(turns, wanted, weight)
    others = tuple(turn for turn in turns if turn is not own)
    ahead = tuple(turn for turn in others if own is None or turn.at < own.at)
    if pace.next_at <= now and all(turn.at >= now + interval / 2 for turn in ahead):
        return pace.model_copy(update={"next_at": now + interval, "turns": others}), 0.0
    if own is not None and own.job_id != wanted.job_id:
        free = _free_time(others, pace.next_at, now, interval)
        return pace, free - now + interval * spread(wanted.job_id)
    if own is None and len(others) >= MAX_TURNS:
        return pace, interval * (len(others) + spread(wanted.job_id))
    at = _postponed(own, ahead, pace, interval) if own else 0.0
    if own is None or now + MAX_SLEEP < at < wanted.at:
        at = _free_time(others, pace.next_at, max(wanted.at, now), interval)
    if own is not None and at == own.at > now:
        return pace, at - now
    at = at if at > now else now + interval / 2
    turns = tuple(sorted((*others, wanted.model_copy(update={"at": at})), key=lambda turn: turn.at))
    return pace.model_copy(update={"turns": turns}), at - now


def _own(turns: tuple[Turn, ...], wanted: Turn, weight: int) -> Turn | None:
    """Return the job's turn, or another one of its account if that may have no further one."""
    of_account = [turn for turn in turns if turn.account == wanted.account]
    of_job = next((turn for turn in of_account if turn.job_id == wanted.job_id), None)
    return of_job or (of_account[0] if len(of_account) >= weight else None)


def spread(job_id: str) -> float:
    """Return a fraction above 0 for each job, so that waiting jobs do not return together."""
    return (zlib.crc32(job_id.encode()) + 1) / (2**32 + 1)


def _postponed(own: Turn, ahead: tuple[Turn, ...], pace: Pace, interval: float) -> float:
    """Return the time of a turn, later if a create call or a turn before it was late."""
    return max(own.at, pace.next_at, *(turn.at + interval for turn in ahead))


def _free_time(turns: tuple[Turn, ...], next_at: float, earliest: float, interval: float) -> float:
    """Return the first time that is a whole number of intervals after `next_at`, and free."""
    time = next_at + max(0, math.ceil((earliest - next_at) / interval)) * interval
    for turn in turns:
        if time + interval / 2 <= turn.at:
            break
        time = max(time, turn.at + interval)
    return time
