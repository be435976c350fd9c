"""Plain runs in which all goes well: what they come to must survive a death at any call."""

from collections.abc import Callable
from dataclasses import dataclass

from rushes.errors import RushesError
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload
from tests.harness import PICTURE
from tests.simulation.actors import DiedError
from tests.simulation.assert_invariants import judge
from tests.simulation.fault_schedule import Plan
from tests.simulation.harness import Harness
from tests.simulation.quiescence import settle

API_LIMIT = 30.0
ACCOUNT = "demo"


@dataclass(frozen=True)
class Script:
    """`moods`: the troubles of the first provider's create calls.

    `verb`: what the client does `seconds` after it was told of its job.
    """

    model: str
    verb: str = ""
    seconds: float = 0.0
    moods: tuple[str, ...] = ()
    stops: str = "stops"


SCRIPTS = {
    "made": Script("plain/one"),
    "made with a key": Script("keyed/one"),
    "made and found": Script("listed/one"),
    "unheard with a key": Script("keyed/one", moods=("done, silent",)),
    "unheard, unsent, unwelcome": Script(
        "keyed_first", moods=("done, silent", "unreachable", "key refused")
    ),
    "unheard and found": Script("listed/one", moods=("done, silent",)),
    "lost and made again": Script("listed/one", moods=("silent",)),
    "refused and moved": Script("plain_first", moods=("refused",)),
    "cancelled at once": Script("plain/one", "cancel", 0.0, moods=("busy for a while",)),
    "cancelled": Script("keyed/one", "cancel", 25.0),
    "cancelled in vain": Script("listed/one", "cancel", 25.0, stops="refuses"),
    "deleted": Script("plain/one", "delete", 25.0),
    "deleted in vain": Script("plain/one", "delete", 25.0, stops="goes on"),
    "deleted afterwards": Script("keyed/one", "delete", 500.0),
}


class Run:
    """A script with a plan of what dies. Clients whose call dies make it again."""

    def __init__(self, script: Script, plan: Plan) -> None:
        self.harness = Harness(plan)
        self.plan = plan
        self.script = script
        provider = self.harness.providers[script.model.partition("/")[0].removesuffix("_first")]
        provider.moods = list(script.moods)
        provider.stops = script.stops
        for other in self.harness.providers.values():
            other.stops = script.stops

    def __call__(self) -> list[str]:
        """What was broken."""
        self._do("create", self._create)
        began = self.harness.clock.now
        settle(self.harness)
        if len(self.harness.jobs.rows) != 1:
            self.harness.promises.broken.append(f"{len(self.harness.jobs.rows)} jobs")
        return judge(self.harness, began)

    @property
    def job(self) -> Job:
        (job,) = self.harness.jobs.rows.values()
        return job

    def _create(self) -> object:
        request = GenerationRequest(model=self.script.model, prompt="a red ball")
        picture = (Role.IMAGE, Upload("input_reference", "image/png", PICTURE))
        creation = CreateRequest(request, uploads=(picture,))
        call = IdempotencyInfo("create", "one and the same")
        return self.harness.service.create(ACCOUNT, "openai", creation, call)

    def _verb(self) -> object:
        verbs: dict[str, Callable[[str, str], Job]] = {
            "cancel": self.harness.service.cancel,
            "delete": self.harness.service.delete,
        }
        return verbs[self.script.verb](ACCOUNT, self.job.id)

    def _later(self, verb: str) -> None:
        self.harness.turns.after(self.script.seconds, lambda: self._do(verb, self._verb))

    def _do(self, name: str, work: Callable[[], object]) -> None:
        def told(result: object) -> None:
            self.harness.promises.expected(name, result)
            refused = isinstance(result, RushesError) and result.http_status < 500
            if isinstance(result, DiedError | RushesError) and not refused:
                self.harness.turns.after(3.0, lambda: self._do(name, work))
            elif name == "create" and self.script.verb:
                self._later(self.script.verb)

        self.harness.turns.start(name, work, limit=API_LIMIT, ended=told)
