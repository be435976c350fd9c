"""Jobs of many accounts, for the measurement of searches."""

from collections.abc import Iterator
from random import Random

from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.labels import Labels
from rushes.jobs.request import GenerationRequest
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus

START = 1_790_000_000.0
DAYS = 60
OPEN_SHARE = 0.02
"""Of an account's jobs: the newest ones."""
PROVIDERS = ("fal", "kling", "runway", "google", "minimax")
MODELS = tuple(f"{provider}/model-{number}" for provider in PROVIDERS for number in range(3))
TEXT = (
    "a fox runs over fresh snow at dawn while the camera follows slowly through tall pines"
    " cinematic light soft shadows neon city rain street portrait of an old sailor waves"
)
WORDS = tuple(TEXT.split())
RARE_WORD = "kaleidoscope"
RARE_SHARE = 0.001


def sizes(jobs: int, accounts: int) -> list[int]:
    """Return the numbers of jobs of the accounts: the n-th has an n-th of the first one's."""
    weights = [1 / rank for rank in range(1, accounts + 1)]
    found = [max(int(jobs * weight / sum(weights)), 1) for weight in weights]
    found[0] += jobs - sum(found)
    return found


def jobs_of(account: str, count: int, random: Random) -> Iterator[tuple[Job, Job]]:
    """Yield each job as it was created, and as it is now; 2 % are deleted."""
    for number in range(count):
        created = _created(account, START + DAYS * 86_400 * number / count, random)
        is_open = number >= count * (1 - OPEN_SHARE)
        yield created, _begun(created, random) if is_open else _ended(created, random)


def _created(account: str, now: float, random: Random) -> Job:
    model = random.choice(MODELS)
    tags = {"team": f"team-{random.randrange(10)}", "campaign": f"campaign-{random.randrange(50)}"}
    cost = round(random.uniform(0.05, 4), 3)
    return Job(
        id=new_id(now, f"{random.getrandbits(80):020x}"),
        account=account,
        dialect="native",
        provider=model.partition("/")[0],
        upstream_model=model,
        model=model,
        key_id=f"{random.randrange(4):016x}",
        labels=Labels(tags=tags, user=f"user-{random.randrange(200)}"),
        request=GenerationRequest(model=random.choice(("sora-2", model)), prompt=_prompt(random)),
        created_at=now,
        updated_at=now,
        deadline_at=now + 3600,
        cost=cost,
        estimate=cost,
    )


def _prompt(random: Random) -> str:
    words = random.choices(WORDS, k=random.randrange(8, 80))
    rare = f"{RARE_WORD} " if random.random() < RARE_SHARE else ""
    return f"{rare}{' '.join(words)}".capitalize()


def _begun(job: Job, random: Random) -> Job:
    if random.random() < 0.5:
        return job
    operation = {"id": f"{random.getrandbits(128):032x}"}
    return job.submitted(job.created_at + 5, operation, ()).progressed(job.created_at + 9, 40)


def _ended(job: Job, random: Random) -> Job:
    now, kind = job.created_at + 90, random.random()
    if kind < 0.1:
        error = JobError(code="upstream_failed", message="the provider could not generate it")
        outcome = JobOutcome(status=JobStatus.FAILED, error=error)
    else:
        status = JobStatus.CANCELLED if kind < 0.15 else JobStatus.COMPLETED
        outcome = JobOutcome(status=status)
    ended = job.finished(now, outcome, "execution", 30 * 86_400)
    return ended.deleted(now + 60) if random.random() < 0.02 else ended
