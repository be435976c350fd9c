"""Probe: a question to the local engine, and the documented answer of AWS."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import ClientError

from tests.probes.aws_setup import AwsSetup

DOCS = "https://docs.aws.amazon.com/"
SAME = "the same"
Run = Callable[[AwsSetup], str]


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
    run: Run
    engine: str = SAME
    covered: str = ""

    @property
    def name(self) -> str:
        return f"{self.service}-{self.run.__name__}"

    @property
    def differs(self) -> bool:
        return self.engine != SAME

    @property
    def expected(self) -> str:
        return self.engine if self.differs else self.aws


PROBES: list[Probe] = []


def probes_of(service: str) -> Callable[[str], Callable[[Run], Run]]:
    return partial(probe, service)


def probe(service: str, question: str) -> Callable[[Run], Run]:
    """Register the decorated function as a probe, with the fields that the decorators below set."""

    def register(run: Run) -> Run:
        PROBES.append(Probe(service=service, question=question, run=run, **vars(run)))
        return run

    return register


def documented(aws: str, source: str) -> Callable[[Run], Run]:
    return with_fields(aws=aws, source=source)


def differs(engine: str, covered: str) -> Callable[[Run], Run]:
    return with_fields(engine=engine, covered=covered)


def with_fields(**fields: str) -> Callable[[Run], Run]:
    def add(run: Run) -> Run:
        vars(run).update(fields)
        return run

    return add


def answer(call: Callable[[], object], accepted: str = "accepted") -> str:
    """Return the error code of a rejected call, otherwise `accepted`."""
    try:
        call()
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return accepted
