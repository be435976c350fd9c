"""Turns of accounts at a paced provider, in a simulation without threads and without waiting."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from random import Random

import pytest

from rushes.catalog.models import Catalog, read_catalog
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest
from rushes.ports.providers import Pace, Turn
from rushes.workflow.rate_limiter import RateLimiter
from rushes.workflow.submit import MIN_RETRY_DELAY
from rushes.workflow.turns import MAX_TURNS, TURN_GRACE, take_turn
from rushes.workflow.wait_times import next_poll_delay
from tests.fakes import FakeClock, FakeRateLimits, FixedCatalogs

INTERVALS = [10.0, 3.0, 1.0, 0.25]
NOW = 1_000.0


def catalog_of(interval: float, limits: str = "") -> Catalog:
    return read_catalog(
        f"""
        default_model = "paced/one"
        {limits}
        [providers.paced]
        protocol = "openai_compatible"
        creates_per_minute = {60 / interval:.0f}
        [[models]]
        name = "paced/one"
        """
    )


def job_of(account: str, number: int, now: float) -> Job:
    return Job(
        id=f"job_{account}_{number}",
        account=account,
        dialect="openai",
        provider="paced",
        upstream_model="one",
        request=GenerationRequest(model="paced/one"),
        created_at=now,
        updated_at=now,
        deadline_at=now + 1e6,
    )


class AsleepError(Exception):
    """Submit waits for that many seconds; other jobs continue."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def sleep(seconds: float) -> None:
    raise AsleepError(seconds)


class Simulation:
    """Jobs that return after the delay that they are told, and some latency."""

    def __init__(self, interval: float, seed: int = 1, limits: str = "") -> None:
        self.clock = FakeClock(NOW)
        self.rate_limits = FakeRateLimits()
        catalogs = FixedCatalogs(catalog_of(interval, limits))
        self.rate_limiter = RateLimiter(self.rate_limits, catalogs, self.clock, sleep)
        self.random = Random(seed)  # noqa: S311 - a repeatable schedule
        self.queue: list[tuple[float, int, Job]] = []
        self.granted: dict[str, list[float]] = defaultdict(list)
        """Times by account."""
        self.tries: Counter[str] = Counter()
        """By job."""

    def add(self, account: str, jobs: int, at: float = NOW, spread: float = 1.0) -> None:
        for number in range(jobs):
            created = at + self.random.random() * spread
            self._push(created, job_of(account, number, created))

    def _push(self, at: float, job: Job) -> None:
        heapq.heappush(self.queue, (at, self.random.getrandbits(40), job))

    def run(self, seconds: float) -> None:
        end = NOW + seconds
        while self.queue and self.queue[0][0] < end:
            self.clock.now, _, job = heapq.heappop(self.queue)
            self._submit(job)

    def _submit(self, job: Job) -> None:
        waited = self.clock() - job.created_at
        try:
            admission = self.rate_limiter.admit(job, waited)
        except AsleepError as asleep:
            self._push(self.clock() + asleep.seconds, job)
            return
        self.tries[job.id] += 1
        if admission.wait:
            delay = next_poll_delay(waited, admission.wait, MIN_RETRY_DELAY)
            self._push(self.clock() + delay + self.random.uniform(0.05, 0.4), job)
        else:
            self.granted[job.account].append(self.clock())

    @property
    def all_granted(self) -> list[float]:
        return sorted(time for times in self.granted.values() for time in times)


def share(granted: Mapping[str, list[float]], begin: float) -> list[int]:
    return sorted(sum(time >= begin for time in times) for times in granted.values())


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("seed", range(5))
def test_new_account_is_admitted_within_three_intervals(interval: float, seed: int) -> None:
    """300 jobs of one account are queued; the state machine waits for a second at least."""
    simulation = Simulation(interval, seed)
    simulation.add("busy", 300)
    late = NOW + 5.5 * interval + 20
    simulation.add("new", 1, at=late, spread=0)
    simulation.run(5.5 * interval + 20 + 5 * max(interval, 2))
    (admitted,) = simulation.granted["new"]
    assert admitted - late <= 3 * max(interval, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_single_job_starts_within_two_slots_of_a_flood(seed: int) -> None:
    """2,000 jobs of one account wait for a provider that accepts 30 in a minute."""
    interval = 60 / 30
    simulation = Simulation(interval, seed)
    simulation.add("flood", 2_000, spread=5.0)
    late = NOW + 60 + seed * interval / 3
    simulation.add("single", 1, at=late, spread=0)
    simulation.run(60 + 6 * interval)
    (started,) = simulation.granted["single"]
    before = [at for at in simulation.granted["flood"] if late < at < started]
    assert len(before) <= 2
    assert started - late <= 2 * interval + 1.5  # the state machine waits for whole seconds


@pytest.mark.parametrize("weight", [2, 3, 5])
def test_account_with_a_weight_has_as_many_turns_as_that_many_others(weight: int) -> None:
    """Twenty other accounts wait, so that no time between the turns is free."""
    simulation = Simulation(2.0, limits=f"[limits.accounts.heavy]\nweight = {weight}")
    simulation.add("heavy", 200)
    for number in range(20):
        simulation.add(f"light-{number}", 20)
    simulation.run(300)
    heavy = len(simulation.granted.pop("heavy"))
    light = share(simulation.granted, NOW)
    assert heavy + sum(light) >= 135
    assert heavy / (sum(light) / 20) == pytest.approx(weight, rel=0.2)


def test_weight_of_all_accounts_shares_evenly() -> None:
    simulation = Simulation(2.0, limits="[limits]\nweight = 3")
    simulation.add("one", 200)
    simulation.add("two", 200)
    simulation.run(300)
    counts = share(simulation.granted, NOW)
    assert max(counts) - min(counts) <= 4


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("accounts", [1, 2, 20])
def test_pace_is_used(interval: float, accounts: int) -> None:
    simulation = Simulation(interval)
    jobs = 300 // accounts
    for number in range(accounts):
        simulation.add(f"account-{number}", jobs)
    simulation.run(60 * interval)
    assert len(simulation.all_granted) >= 54
    gaps = [after - before for before, after in pairwise(simulation.all_granted)]
    assert min(gaps) >= interval - 1e-6


@pytest.mark.parametrize("interval", INTERVALS)
def test_twenty_accounts_share_evenly(interval: float) -> None:
    """One of them has 20 times as many jobs as the others."""
    simulation = Simulation(interval)
    simulation.add("account-0", 400)
    for number in range(1, 20):
        simulation.add(f"account-{number}", 20)
    simulation.run(220 * interval)
    counts = share(simulation.granted, NOW + 20 * interval)
    assert len(counts) == 20
    assert max(counts) - min(counts) <= 3
    assert sum(counts) >= 180


@pytest.mark.parametrize(("accounts", "interval"), [(80, 6.0), (200, 2.0), (200, 0.25)])
def test_every_waiting_account_has_its_turn(accounts: int, interval: float) -> None:
    """Each has more jobs than it gets turns."""
    simulation = Simulation(interval)
    for number in range(accounts):
        simulation.add(f"account-{number}", 10)
    simulation.run(4 * accounts * interval)
    counts = share(simulation.granted, NOW)
    assert len(counts) == accounts
    assert sum(counts) >= 0.9 * 4 * accounts
    assert 2 <= min(counts) <= max(counts) <= 7


def test_item_with_all_turns_is_small() -> None:
    turns = tuple(
        Turn(account=f"{number:064}", job_id=f"job_{number:032}", at=1_764_350_000.123456)
        for number in range(MAX_TURNS)
    )
    assert len(Pace(next_at=NOW, turns=turns).model_dump_json()) <= 48 * 1024


def test_jobs_that_wait_for_hours_keep_their_share_and_few_tries() -> None:
    simulation = Simulation(60.0)
    for number in range(4):
        simulation.add(f"account-{number}", 60)
    simulation.run(3 * 3600)
    counts = share(simulation.granted, NOW + 3600)
    assert len(counts) == 4
    assert max(counts) - min(counts) <= 3
    assert sum(counts) >= 0.9 * 120
    assert max(simulation.tries.values()) <= 150 * 3


def test_waiting_jobs_write_only_when_a_turn_changes() -> None:
    simulation = Simulation(10.0)
    simulation.add("busy", 300)
    simulation.run(600)
    assert simulation.tries.total() > 3_000
    assert simulation.rate_limits.writes <= 4 * len(simulation.all_granted)


@pytest.mark.parametrize("interval", INTERVALS)
def test_account_that_does_not_return_delays_others_by_the_grace_only(interval: float) -> None:
    gone = Turn(account="gone", job_id="job_gone", at=NOW)
    pace = Pace(next_at=NOW, turns=(gone,))
    wanted = Turn(account="here", job_id="job_here", at=NOW)
    assert take_turn(pace, wanted, NOW + TURN_GRACE, interval)[1] > 0
    after, wait = take_turn(pace, wanted, NOW + TURN_GRACE + 0.1, interval)
    assert (wait, after.turns) == (0.0, ())


def test_time_before_a_later_turn_is_free() -> None:
    turn = Turn(account="later", job_id="job_1", at=NOW + 30)
    pace = Pace(next_at=NOW, turns=(turn,))
    after, wait = take_turn(pace, Turn(account="a", job_id="job_2", at=NOW), NOW, 10.0)
    assert (wait, after) == (0.0, Pace(next_at=NOW + 10, turns=(turn,)))


def test_account_has_one_turn_whatever_the_number_of_its_jobs() -> None:
    pace = Pace(next_at=NOW + 10)
    for number in range(20):
        wanted = Turn(account="a", job_id=f"job_{number}", at=NOW)
        pace, wait = take_turn(pace, wanted, NOW, 10.0)
        assert wait > 0
    assert [turn.job_id for turn in pace.turns] == ["job_0"]


def test_account_with_a_weight_has_at_most_as_many_turns() -> None:
    pace = Pace(next_at=NOW + 10)
    for number in range(20):
        wanted = Turn(account="a", job_id=f"job_{number}", at=NOW)
        pace, wait = take_turn(pace, wanted, NOW, 10.0, weight=3)
        assert wait > 0
    assert [turn.job_id for turn in pace.turns] == ["job_0", "job_1", "job_2"]


def test_turns_are_bounded() -> None:
    pace = Pace(next_at=NOW + 10)
    for number in range(2 * MAX_TURNS):
        wanted = Turn(account=f"a{number}", job_id=f"job_{number}", at=NOW)
        pace, wait = take_turn(pace, wanted, NOW, 10.0)
        assert wait > 0
    assert len(pace.turns) == MAX_TURNS
    assert all(after.at - before.at == 10 for before, after in pairwise(pace.turns))
