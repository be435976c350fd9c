"""Circuit breakers of a provider: they stop create calls that would fail.

One per model while the API key is rejected, and one for all models while the provider is down. It
opens after `THRESHOLD` failures without a success between them, in an outage if they last for
`OUTAGE_SECONDS`: for the account whose calls failed, or for all accounts if two failed. After the
pause one job makes a trial call.
"""

from typing import NamedTuple

from rushes.jobs.job import Job
from rushes.ports.providers import Circuit

THRESHOLD = 3
OUTAGE_SECONDS = 120.0
MIN_PAUSE, MAX_PAUSE = 60.0, 300.0
"""Seconds of the first pause, which doubles with each failed trial call."""
TRIAL_SECONDS = 100.0
"""Longer than a create call may take."""
TRIAL_RETRY = 15.0
"""Seconds after which a job looks for the result of another job's trial call."""
FORGET_AFTER = 3600.0
"""Seconds after the latest failure, while the circuit is closed."""
MAX_CIRCUITS = 20
"""Of one provider, whose item holds them."""
ANY_MODEL = "*"
"""Key of the circuit of an outage; no model has this name."""

Circuits = dict[str, Circuit]
CLOSED = Circuit()


class Hold(NamedTuple):
    """An open circuit, and the seconds for which it delays a job."""

    key: str
    circuit: Circuit
    seconds: float


def hold(circuits: Circuits, job: Job, now: float) -> Hold | None:
    """Return the circuit that delays the job longest; None if it may make a create call now."""
    open_circuits = [
        Hold(key, circuit, _delay(circuit, job, now)) for key, circuit in _of(circuits, job)
    ]
    longest = max(open_circuits, key=lambda hold: hold.seconds, default=None)
    return longest if longest and longest.seconds else None


def concerning(circuits: Circuits, job: Job) -> bool:
    """Whether calls failed that a success of the job would follow."""
    return any(True for _ in _of(circuits, job))


def _of(circuits: Circuits, job: Job) -> list[tuple[str, Circuit]]:
    keys = (job.upstream_model, ANY_MODEL)
    return [(key, circuits[key]) for key in keys if key in circuits]


def _delay(circuit: Circuit, job: Job, now: float) -> float:
    """Return the seconds before the job may make a create call, 0 if it may now."""
    if circuit.open_until is None or not _concerns(circuit, job.account):
        return 0.0
    if circuit.open_until > now:
        return circuit.open_until - now
    return TRIAL_RETRY if circuit.trial_until > now and circuit.trial_job != job.id else 0.0


def begin(circuits: Circuits, job: Job, now: float) -> Circuits:
    """Record that the job's call is the trial call of its open circuits."""
    trial = {"trial_job": job.id, "trial_until": now + TRIAL_SECONDS}
    changed = {
        key: circuit.model_copy(update=trial)
        for key, circuit in _of(circuits, job)
        if circuit.open_until is not None and _concerns(circuit, job.account)
    }
    return {**circuits, **changed} if changed else circuits


def rejected(circuits: Circuits, job: Job, now: float, reason: str) -> tuple[Circuits, bool]:
    """Record a rejected API key; return whether the circuit opened, for the first time or again."""
    return _failed(circuits, job.upstream_model, job, now, reason)


def unanswered(circuits: Circuits, job: Job, now: float, reason: str) -> tuple[Circuits, bool]:
    """Record a call to a provider that is down, and return the same."""
    return _failed(circuits, ANY_MODEL, job, now, reason)


def _failed(
    circuits: Circuits, key: str, job: Job, now: float, reason: str
) -> tuple[Circuits, bool]:
    circuit = circuits.get(key, CLOSED)
    if circuit.open_until is None and now - circuit.rejected_at > FORGET_AFTER:
        circuit = CLOSED
    since = circuit.failing_since or now
    lasts = key != ANY_MODEL or now - since >= OUTAGE_SECONDS
    pause = _next_pause(circuit, job, lasts=lasts)
    changes: dict[str, object] = {
        "rejections": circuit.rejections + 1,
        "accounts": tuple(dict.fromkeys((*circuit.accounts, job.account)))[:2],
        "failing_since": since,
        "rejected_at": now,
        "reason": reason,
    }
    if pause:
        changes |= {"open_until": now + pause, "pause": pause, "trial_job": "", "trial_until": 0.0}
    changed = {**circuits, key: circuit.model_copy(update=changes)}
    newest = sorted(changed, key=lambda key: changed[key].rejected_at)[-MAX_CIRCUITS:]
    return {key: changed[key] for key in newest}, pause > 0


def accepted(circuits: Circuits, job: Job) -> Circuits:
    """Close the circuits: the provider answered, and accepted the API key for this model."""
    return {
        key: entry for key, entry in circuits.items() if key not in (job.upstream_model, ANY_MODEL)
    }


def answered(circuits: Circuits) -> Circuits:
    """Close the circuit of an outage: the provider answered."""
    return {key: entry for key, entry in circuits.items() if key != ANY_MODEL}


def _concerns(circuit: Circuit, account: str) -> bool:
    return len(circuit.accounts) > 1 or account in circuit.accounts


def _next_pause(circuit: Circuit, job: Job, *, lasts: bool) -> float:
    """Return 0 if this failure does not open the circuit."""
    if circuit.open_until is None:
        return MIN_PAUSE if circuit.rejections + 1 >= THRESHOLD and lasts else 0.0
    if circuit.trial_job != job.id:  # sent before the circuit opened, or by another account
        return 0.0
    return min(2 * circuit.pause, MAX_PAUSE)
