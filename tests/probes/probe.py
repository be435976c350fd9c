"""Probe: a question to the local engine, and the documented answer of AWS."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import ClientError

from tests.probes.aws_setup import AwsSetup

DOCS = "https://docs.aws.amazon.com/"
SAME = "the same"
Ask = Callable[[AwsSetup], str]


@dataclass(frozen=True)
class Probe:
    """`engine` is the local engine's answer if it differs from that of `aws`.

    `covered` names the code that works with either answer, or a test that replaces the engine.
    """

    service: str
    question: str
    aws: str
    source: str
    """A page below docs.aws.amazon.com."""
    ask: Ask
    engine: str = SAME
    covered: str = ""

    @property
    def name(self) -> str:
        return f"{self.service}-{self.ask.__name__}"

    @property
    def differs(self) -> bool:
        return self.engine != SAME

    @property
    def expected(self) -> str:
        return self.engine if self.differs else self.aws


PROBES: list[Probe] = []


def probes_of(service: str) -> Callable[[str], Callable[[Ask], Ask]]:
    return partial(probe, service)


def probe(service: str, question: str) -> Callable[[Ask], Ask]:
    """Register the decorated function as a probe, with the facts of the decorators below."""

    def register(ask: Ask) -> Ask:
        PROBES.append(Probe(service=service, question=question, ask=ask, **vars(ask)))
        return ask

    return register


def documented(aws: str, source: str) -> Callable[[Ask], Ask]:
    return facts(aws=aws, source=source)


def differs(engine: str, covered: str) -> Callable[[Ask], Ask]:
    return facts(engine=engine, covered=covered)


def facts(**fields: str) -> Callable[[Ask], Ask]:
    def add(ask: Ask) -> Ask:
        vars(ask).update(fields)
        return ask

    return add


def answer(call: Callable[[], object], accepted: str = "accepted") -> str:
    """Return the error code of a rejected call, otherwise `accepted`."""
    try:
        call()
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return accepted
