"""Jobs at random points of their lives, made by the real transitions, with their budgets."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rushes.jobs.charges import DAY, MONTH, period_of, settlements
from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.labels import Labels
from rushes.jobs.request import GenerationRequest
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.jobs.summary import JobSummary, summary_of
from tests.fakes import FakeLimits

BEGIN = 1_793_491_200.0
"""2026-11-01T00:00Z."""
MONTHS = 2
SECONDS = 61 * 24 * 3600
MODELS = ("acme/video", "acme/image", "other/video", "free/voice", "unpriced/video")
MODALITIES = ("video", "image", "video", "speech", "video")
ACCOUNTS = ("games", "news", "ads")
ERRORS = ("upstream_failed", "content_filtered", "upstream_outcome_unknown", "bad_output")


@dataclass
class World:
    """Jobs and the amounts that their writes charged to budgets."""

    random: random.Random
    jobs: list[Job] = field(default_factory=list)
    limits: FakeLimits = field(default_factory=FakeLimits)

    def summaries(self, account: str, since: float, until: float) -> Iterator[JobSummary]:
        for job in sorted(self.jobs, key=lambda job: job.id):
            if job.account == account and since <= job.created_at < until:
                yield summary_of(job)

    @property
    def all(self) -> list[JobSummary]:
        return [summary_of(job) for job in self.jobs]


def make_world(seed: int, count: int) -> World:
    world = World(random.Random(seed))  # noqa: S311 - repeatable
    for number in range(count):
        world.jobs.append(_life(world, number))
    return world


def _price(draw: random.Random, model: str) -> float | None:
    if model.startswith("unpriced"):
        return None
    return 0.0 if model.startswith("free") else draw.randint(1, 3_000_000) / 1_000_000


def _life(world: World, number: int) -> Job:
    draw, job = world.random, _accepted(world.random, number)
    budget = Reservation(
        day=period_of(job.created_at, DAY),
        dollars=5.0,
        budgets=tuple(f"{job.account}#{period_of(job.created_at, form)}" for form in (DAY, MONTH)),
    )
    job = job.model_copy(update={"reservation": budget})
    world.limits.add(settlements(_unborn(job), job), job.created_at)
    now = job.created_at
    for step in _steps(draw):
        now += draw.random() * 500
        after = step(job, now)
        world.limits.add(settlements(job, after), now)
        job = after
    return job


def _unborn(job: Job) -> Job:
    return job.model_copy(update={"reservation": None})


def _accepted(draw: random.Random, number: int) -> Job:
    at = BEGIN + draw.random() * SECONDS
    model = draw.choice(MODELS)
    price = _price(draw, model)
    tags = {"team": draw.choice(("red", "blue", "=sum"))} if draw.random() < 0.7 else {}
    if draw.random() < 0.3:
        tags["campaign"] = draw.choice(("spring", "fall"))
    labels = Labels(tags=tags, user=draw.choice(("ann", "bob", None)))
    return Job(
        id=new_id(at, f"{number:020x}"),
        account=draw.choice(ACCOUNTS),
        request=GenerationRequest(
            model=draw.choice((model, "an-alias")),
            prompt="a red ball",
        ),
        modality=MODALITIES[MODELS.index(model)],
        dialect="openai",
        key_id=draw.choice(("00000000000000d1", "00000000000000d2", None)),
        labels=labels,
        provider=model.partition("/")[0],
        upstream_model="m",
        model=model,
        cost=price,
        estimate=price,
        created_at=at,
        updated_at=at,
        deadline_at=at + 3600,
    )


Step = Callable[[Job, float], Job]


def _steps(draw: random.Random) -> list[Step]:
    """Return a life: open, failed over, completed, failed, cancelled, archived or deleted."""
    if draw.random() < 0.05:
        return []
    model = draw.choice(MODELS)
    moves = [_fail_over(model, _price(draw, model))] if draw.random() < 0.2 else []
    submits: list[Step] = [
        lambda job, now: job.submitting(now, 60.0),
        lambda job, now: job.submitted(now, {"id": "up-1"}, ()),
    ]
    if draw.random() < 0.05:
        submits[1] = lambda job, now: job.submission_unconfirmed(now)
    return [*moves, *submits, *_ending(draw)]


def _ending(draw: random.Random) -> list[Step]:
    kind = draw.choice((None, _completed, _completed, _completed, _failed, _cancelled))
    if kind is None:
        return []
    deletes: list[Step] = [lambda job, now: job.deleted(now)]
    return [*kind(draw), *(deletes if draw.random() < 0.2 else [])]


def _fail_over(model: str, cost: float | None) -> Step:
    def step(job: Job, now: float) -> Job:
        moved = job.model_copy(update={"fallbacks": (model,)}).failed_over(
            now,
            JobError(code="upstream_unreachable", message="down"),
            model=model,
            provider=model.partition("/")[0],
            upstream_model="m",
            cost=cost or 0.0,
        )
        return moved if cost is not None else moved.model_copy(update={"cost": None})

    return step


def _completed(draw: random.Random) -> list[Step]:
    reported = draw.randint(0, 9_000_000) / 1_000_000 if draw.random() < 0.4 else None
    return [
        lambda job, now: job.generated(now, (), reported),
        lambda job, now: job.stored(now, ()),
        _finish,
    ]


def _failed(draw: random.Random) -> list[Step]:
    error = JobError(code=draw.choice(ERRORS), message="failed")
    return [lambda job, now: job.will_fail(now, error), _finish]


def _cancelled(draw: random.Random) -> list[Step]:
    upstream, cost = draw.choice(tuple(UpstreamCancelled)), draw.randint(0, 4_000_000) / 1_000_000
    unbilled = draw.random() < 0.5
    steps: list[Step] = [
        lambda job, now: job.cancelled_by_client(now, upstream, is_unbilled=unbilled),
        _finish,
    ]
    if upstream is not UpstreamCancelled.YES and draw.random() < 0.7:
        steps.append(lambda job, now: job.archived(now, (), cost))
    return steps


def _finish(job: Job, now: float) -> Job:
    outcome = job.outcome
    assert outcome
    status = outcome.status
    if status is JobStatus.COMPLETED and job.status is JobStatus.QUEUED:
        job = job.progressed(now, 1)
    return job.finished(now, outcome, job.id, 3600.0)
