"""Scenario of one seed: clients, cancels, deletes, retries, sweeps, stops; then no faults."""

from collections.abc import Callable

from rushes.catalog.limits import AccountLimit, Limit, Limits
from rushes.errors import LimitReached, RushesError
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.request import CreateRequest, GenerationRequest, Input, Role, Upload
from tests.harness import PNG_BYTES
from tests.simulation.actors import CrashError
from tests.simulation.assert_invariants import find_violations
from tests.simulation.fault_schedule import RandomFaults
from tests.simulation.harness import Harness
from tests.simulation.machine import Input as Started
from tests.simulation.quiescence import run_until_quiet

API_LIMIT = 30.0
DAY = 24 * 3600
MAX_TRIES = 4
REACTIONS = ("stops", "stops", "removes", "refuses", "continues", "pretends")
"""Reactions of a provider to a cancel."""
KEY_IDS = {
    "demo": ("00000000000000d1", "00000000000000d2"),
    "other": ("00000000000000f1", "00000000000000f1"),
}
"""API keys by account."""
OUTAGES = 0.15
"""Probability that a provider is down for a while; the circuit opens after two minutes."""
MODELS = ("plain/one", "keyed/one", "listed/one", "plain_first", "keyed_first", "listed_first")


def plain(request: GenerationRequest) -> CreateRequest:
    return CreateRequest(request)


def with_upload(request: GenerationRequest) -> CreateRequest:
    image = Upload("input_reference", "image/png", PNG_BYTES)
    return CreateRequest(request, uploads=((Role.IMAGE, image),))


def with_link(request: GenerationRequest) -> CreateRequest:
    image = Input(role=Role.IMAGE, url="https://images.example/ball.png")
    return CreateRequest(request.model_copy(update={"inputs": (image,)}))


class Client:
    """A client that repeats an unanswered create call, with a key or an SDK's retry count."""

    def __init__(self, scenario: "Scenario", number: int) -> None:
        random_faults = scenario.random_faults.random
        self.scenario = scenario
        self.account = random_faults.choice(("demo", "other"))
        self.key_id = random_faults.choice(KEY_IDS[self.account])
        self.key = f"key {number}" if random_faults.random() < 0.6 else None
        self.tries = 0
        self.jobs: set[str] = set()
        request = GenerationRequest(model=random_faults.choice(MODELS), prompt=f"video {number}")
        self.create_request = random_faults.choice((plain, plain, with_upload, with_link))(request)

    def create(self) -> None:
        self.tries += 1
        self.scenario.act(
            f"create {self.create_request.request.prompt}", self._create, self._on_result
        )

    def _create(self) -> str:
        retry = None if self.key else self.tries - 1
        call = IdempotencyInfo("create", self.key, retry, key_id=self.key_id)
        service = self.scenario.harness.service
        return service.create(self.account, "openai", self.create_request, call).job.id

    def _on_result(self, result: object) -> None:
        check = self.scenario.harness.invariants.check
        if isinstance(result, LimitReached):
            self.scenario.harness.budget.seen[f"refused: {result.error_code}"] += 1
        if isinstance(result, str):
            self.jobs.add(result)
            exists = (self.account, result) in self.scenario.harness.jobs.rows
            check(exists, f"{result} does not exist")
            check(len(self.jobs) == 1, f"one create call made several jobs: {self.jobs}")
        elif self.tries < MAX_TRIES:
            self.scenario.later(5, self.create)


class Scenario:
    limits: tuple[Limits, ...] = (
        Limits(),
        Limits(daily_dollars=0.7),
        Limits(monthly_dollars=1.0, concurrent_jobs=1),
    )
    max_clients = 3

    def __init__(self, seed: int) -> None:
        self.random_faults = RandomFaults(seed)
        draw = self.random_faults.random
        self.harness = Harness(self.random_faults, draw.choice(self.limits))
        self.scheduler = self.harness.scheduler
        self.clients: list[Client] = []
        self.deleted: set[str] = set()
        for provider in self.harness.providers.values():
            provider.on_cancel = draw.choice(REACTIONS)
            if draw.random() < OUTAGES:
                begun = self.harness.clock.now + 100 * draw.random()
                provider.outage = (begun, begun + draw.choice((20.0, 150.0, 400.0)))
        self.harness.machine.on_abort = self._handle_abort
        self.length = draw.choice((60.0, 200.0, 400.0))
        if draw.random() < 0.2:  # midnight during the create calls
            self.harness.clock.now += DAY - self.harness.clock.now % DAY - self.length / 6
        self._plan()

    def _plan(self) -> None:
        draw = self.random_faults.random
        for number in range(draw.randint(1, self.max_clients)):
            client = Client(self, number)
            self.clients.append(client)
            self.later(self.length / 3, client.create)
            if client.key and draw.random() < 0.2:
                self.later(self.length / 3, client.create)
        actions = [self._cancel, self._cancel, self._delete, self._stop]
        actions += [self._access_as_other_account, self._get]
        for _ in range(draw.randint(0, 5)):
            self.later(self.length, draw.choice(actions))
        for minute in range(int(self.length // 60)):
            self.scheduler.after(60.0 * minute, self._sweep)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.scheduler.after(self.random_faults.random.random() * seconds, action)

    def act(
        self,
        name: str,
        work: Callable[[], object],
        on_result: Callable[[object], None] = lambda _: None,
    ) -> None:
        def on_end(result: object) -> None:
            self.harness.invariants.check_error(name, result)
            on_result(result)

        self.scheduler.start(name, work, limit=API_LIMIT, on_end=on_end)

    def _any_job(self) -> tuple[str, str] | None:
        rows = list(self.harness.jobs.rows)
        return self.random_faults.random.choice(rows) if rows else None

    def _sweep(self) -> None:
        for _ in range(2 if self.random_faults.random.random() < 0.1 else 1):
            self.harness.sweep()

    def _handle_abort(self, state_input: Started) -> None:
        """Deliver the status-change event of an aborted execution in half of the cases."""
        if self.random_faults.random.random() < 0.5:
            row_key = state_input["account"], state_input["job_id"]
            self.act("reconcile", lambda: self.harness.sweeper.reconcile_job(*row_key))

    def _cancel(self) -> None:
        if row_key := self._any_job():
            service = self.harness.service
            self.act(
                f"cancel {row_key[1]}", lambda: service.wait_until_final(service.cancel(*row_key))
            )

    def _delete(self) -> None:
        if row_key := self._any_job():

            def on_result(result: object) -> None:
                if not isinstance(result, Exception | CrashError):
                    self.deleted.add(row_key[1])

            self.act(
                f"delete {row_key[1]}", lambda: self.harness.service.delete(*row_key), on_result
            )

    def _stop(self) -> None:
        machine = self.harness.machine
        if machine.running:
            machine.stop(self.random_faults.random.choice(machine.running).name)

    def _get(self) -> None:
        if row_key := self._any_job():
            is_deleted = row_key[1] in self.deleted

            def on_result(result: object) -> None:
                seen = is_deleted and not isinstance(result, RushesError | CrashError)
                self.harness.invariants.check(not seen, f"{row_key[1]} was deleted but is visible")

            self.act(f"get {row_key[1]}", lambda: self.harness.service.get(*row_key), on_result)

    def _access_as_other_account(self) -> None:
        """Use the job's id with another account."""
        row_key = self._any_job()
        if row_key is None:
            return
        service, job_id = self.harness.service, row_key[1]
        verbs = (service.get, service.cancel, service.delete)
        verb = self.random_faults.random.choice(verbs)

        def on_result(result: object) -> None:
            hidden = isinstance(result, RushesError | CrashError)
            self.harness.invariants.check(hidden, f"{job_id} is visible to another account")

        self.act("other account", lambda: verb("another", job_id), on_result)

    def run(self) -> list[str]:
        """Run the scenario; return the violations."""
        clock, violations = self.harness.clock, self.harness.invariants.violations
        end = clock.now + self.length
        while clock.now < end and not violations and self.scheduler.step():
            pass
        self.random_faults.is_quiet = True
        for provider in self.harness.providers.values():
            provider.outage = (0.0, 0.0)
        quiet_since = clock.now
        run_until_quiet(self.harness)
        return find_violations(self.harness, max(quiet_since, self.harness.machine.faults_end_at))


class BudgetScenario(Scenario):
    """More jobs of two accounts and three API keys than their limits allow at once."""

    limits: tuple[Limits, ...] = (
        Limits(daily_dollars=0.7),
        Limits(daily_dollars=0.8, monthly_dollars=1.5),
        Limits(monthly_dollars=2.5, concurrent_jobs=1, open_jobs=2),
        Limits(
            daily_dollars=1.5,
            concurrent_jobs=2,
            accounts={"demo": AccountLimit(daily_dollars=0.9)},
            keys={
                KEY_IDS["demo"][0]: Limit(daily_dollars=0.7, monthly_dollars=0.8),
                KEY_IDS["other"][0]: Limit(monthly_dollars=0.7, open_jobs=2, concurrent_jobs=1),
            },
        ),
    )
    max_clients = 9
