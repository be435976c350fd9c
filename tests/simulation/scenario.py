"""What happens in one seed: clients, cancels, deletes, retries, sweepers, stops; then quiet."""

from collections.abc import Callable

from rushes.errors import RushesError
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.request import CreateRequest, GenerationRequest, Input, Role, Upload
from tests.harness import PICTURE
from tests.simulation.actors import DiedError
from tests.simulation.assert_invariants import judge
from tests.simulation.fault_schedule import Chance
from tests.simulation.harness import Harness
from tests.simulation.machine import Input as Started
from tests.simulation.quiescence import settle

API_LIMIT = 30.0
MOST_TRIES = 4
MODELS = (
    "plain/one",
    "keyed/one",
    "listed/one",
    "plain_first",
    "keyed_first",
    "listed_first",
)


def plain(request: GenerationRequest) -> CreateRequest:
    return CreateRequest(request)


def with_upload(request: GenerationRequest) -> CreateRequest:
    picture = Upload("input_reference", "image/png", PICTURE)
    return CreateRequest(request, uploads=((Role.IMAGE, picture),))


def with_link(request: GenerationRequest) -> CreateRequest:
    picture = Input(role=Role.IMAGE, url="https://pictures.example/ball.png")
    return CreateRequest(request.model_copy(update={"inputs": (picture,)}))


class Client:
    """One call of an API that makes a job, made again where it was not answered: with a key, or
    with the count of retries that some SDKs send.
    """

    def __init__(self, story: "Story", number: int) -> None:
        chance = story.chance.random
        self.story = story
        self.account = chance.choice(("demo", "other"))
        self.key = f"key {number}" if chance.random() < 0.6 else None
        self.tries = 0
        self.jobs: set[str] = set()
        request = GenerationRequest(model=chance.choice(MODELS), prompt=f"film {number}")
        self.creation = chance.choice((plain, plain, with_upload, with_link))(request)

    def create(self) -> None:
        self.tries += 1
        self.story.act(f"create {self.creation.request.prompt}", self._create, self._told)

    def _create(self) -> str:
        call = IdempotencyInfo("create", self.key, None if self.key else self.tries - 1)
        service = self.story.harness.service
        return service.create(self.account, "openai", self.creation, call).job.id

    def _told(self, result: object) -> None:
        hold = self.story.harness.promises.hold
        if isinstance(result, str):
            self.jobs.add(result)
            hold((self.account, result) in self.story.harness.jobs.rows, f"{result} is not there")
            hold(len(self.jobs) == 1, f"one call made several jobs: {self.jobs}")
        elif self.tries < MOST_TRIES:
            self.story.later(5, self.create)


class Story:
    def __init__(self, seed: int) -> None:
        self.chance = Chance(seed)
        self.harness = Harness(self.chance)
        self.turns = self.harness.turns
        self.clients: list[Client] = []
        self.deleted: set[str] = set()
        draw = self.chance.random
        for provider in self.harness.providers.values():
            provider.stops = draw.choice(("stops", "stops", "refuses", "goes on"))
        self.harness.machine.broke_off = self._look_after
        self.length = draw.choice((60.0, 200.0, 400.0))
        self._plan()

    def _plan(self) -> None:
        draw = self.chance.random
        for number in range(draw.randint(1, 3)):
            client = Client(self, number)
            self.clients.append(client)
            self.later(self.length / 3, client.create)
            if client.key and draw.random() < 0.2:
                self.later(self.length / 3, client.create)
        happenings = (self._cancel, self._cancel, self._delete, self._stop, self._peep, self._look)
        for _ in range(draw.randint(0, 5)):
            self.later(self.length, draw.choice(happenings))
        for minute in range(int(self.length // 60)):
            self.turns.after(60.0 * minute, self._sweep)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.turns.after(self.chance.random.random() * seconds, action)

    def act(
        self, name: str, work: Callable[[], object], told: Callable[[object], None] = lambda _: None
    ) -> None:
        def ended(result: object) -> None:
            self.harness.promises.expected(name, result)
            told(result)

        self.turns.start(name, work, limit=API_LIMIT, ended=ended)

    def _any_job(self) -> tuple[str, str] | None:
        rows = list(self.harness.jobs.rows)
        return self.chance.random.choice(rows) if rows else None

    def _sweep(self) -> None:
        for _ in range(2 if self.chance.random.random() < 0.1 else 1):
            self.harness.sweep()

    def _look_after(self, given: Started) -> None:
        """The bus tells of an execution that broke off; but what if it does not?"""
        if self.chance.random.random() < 0.5:
            place = given["account"], given["job_id"]
            self.act("look after", lambda: self.harness.sweeper.look_after(*place))

    def _cancel(self) -> None:
        if place := self._any_job():
            service = self.harness.service
            self.act(f"cancel {place[1]}", lambda: service.settled(service.cancel(*place)))

    def _delete(self) -> None:
        if place := self._any_job():

            def told(result: object) -> None:
                if not isinstance(result, Exception | DiedError):
                    self.deleted.add(place[1])

            self.act(f"delete {place[1]}", lambda: self.harness.service.delete(*place), told)

    def _stop(self) -> None:
        states = self.harness.machine.executions.states
        if running := [name for name, runs in states.items() if runs]:
            self.harness.machine.stop(self.chance.random.choice(running))

    def _look(self) -> None:
        if place := self._any_job():
            gone = place[1] in self.deleted

            def told(result: object) -> None:
                seen = gone and not isinstance(result, RushesError | DiedError)
                self.harness.promises.hold(not seen, f"{place[1]} was deleted and is seen")

            self.act(f"look {place[1]}", lambda: self.harness.service.get(*place), told)

    def _peep(self) -> None:
        """Somebody else's account, with a job's id from somewhere."""
        place = self._any_job()
        if place is None:
            return
        service, job_id = self.harness.service, place[1]
        verbs = (service.get, service.cancel, service.delete)
        verb = self.chance.random.choice(verbs)

        def told(result: object) -> None:
            hidden = isinstance(result, RushesError | DiedError)
            self.harness.promises.hold(hidden, f"{job_id} was given to a stranger")

        self.act("stranger", lambda: verb("stranger", job_id), told)

    def run(self) -> list[str]:
        """What was broken, in sentences."""
        turns, clock, broken = self.turns, self.harness.clock, self.harness.promises.broken
        end = clock.now + self.length
        while clock.now < end and not broken and turns.step():
            pass
        self.chance.is_quiet = True
        quiet_since = clock.now
        settle(self.harness)
        return judge(self.harness, max(quiet_since, self.harness.machine.disturbed_until))
