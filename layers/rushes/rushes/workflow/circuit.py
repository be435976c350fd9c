"""Circuit breaker of a provider's model: stops create calls while the API key is rejected.

It opens after `THRESHOLD` rejections without an accepted call between them: for the account that
was rejected, or for all accounts if two were. After the pause one job makes a trial call.
"""

from rushes.jobs.job import Job
from rushes.ports.providers import Circuit

THRESHOLD = 3
MIN_PAUSE, MAX_PAUSE = 60.0, 300.0
"""Seconds of the first pause, which doubles with each rejected trial call."""
TRIAL_SECONDS = 100.0
"""Longer than a create call may take."""
TRIAL_RETRY = 15.0
"""Seconds after which a job looks for the result of another job's trial call."""
FORGET_AFTER = 3600.0
"""Seconds after the latest rejection, while the circuit is closed."""
MAX_CIRCUITS = 20
"""Of one provider, whose item holds them."""

Circuits = dict[str, Circuit]
CLOSED = Circuit()


def delay(circuits: Circuits, job: Job, now: float) -> float:
    """Return the seconds before the job may make a create call, 0 if it may now."""
    circuit = circuits.get(job.upstream_model, CLOSED)
    if circuit.open_until is None or not _concerns(circuit, job.account):
        return 0.0
    if circuit.open_until > now:
        return circuit.open_until - now
    return TRIAL_RETRY if circuit.trial_until > now and circuit.trial_job != job.id else 0.0


def begin(circuits: Circuits, job: Job, now: float) -> Circuits:
    """Record that the job's call is the trial call, if its circuit is open."""
    circuit = circuits.get(job.upstream_model, CLOSED)
    if circuit.open_until is None or not _concerns(circuit, job.account):
        return circuits
    trial = {"trial_job": job.id, "trial_until": now + TRIAL_SECONDS}
    return {**circuits, job.upstream_model: circuit.model_copy(update=trial)}


def rejected(circuits: Circuits, job: Job, now: float, reason: str) -> tuple[Circuits, bool]:
    """Record a rejected API key; return whether the circuit opened, for the first time or again."""
    circuit = circuits.get(job.upstream_model, CLOSED)
    if circuit.open_until is None and now - circuit.rejected_at > FORGET_AFTER:
        circuit = CLOSED
    pause = _next_pause(circuit, job)
    changes: dict[str, object] = {
        "rejections": circuit.rejections + 1,
        "accounts": tuple(dict.fromkeys((*circuit.accounts, job.account)))[:2],
        "failing_since": circuit.failing_since or now,
        "rejected_at": now,
        "reason": reason,
    }
    if pause:
        changes |= {"open_until": now + pause, "pause": pause, "trial_job": "", "trial_until": 0.0}
    changed = {**circuits, job.upstream_model: circuit.model_copy(update=changes)}
    newest = sorted(changed, key=lambda model: changed[model].rejected_at)[-MAX_CIRCUITS:]
    return {model: changed[model] for model in newest}, pause > 0


def accepted(circuits: Circuits, job: Job) -> Circuits:
    """Close the circuit: the provider accepted the API key for this model."""
    return {model: entry for model, entry in circuits.items() if model != job.upstream_model}


def _concerns(circuit: Circuit, account: str) -> bool:
    return len(circuit.accounts) > 1 or account in circuit.accounts


def _next_pause(circuit: Circuit, job: Job) -> float:
    """Return 0 if this rejection does not open the circuit."""
    if circuit.open_until is None:
        return MIN_PAUSE if circuit.rejections + 1 >= THRESHOLD else 0.0
    if circuit.trial_job != job.id:  # sent before the circuit opened, or by another account
        return 0.0
    return min(2 * circuit.pause, MAX_PAUSE)
