"""What a probe is: a question that the engine is asked, and what AWS would answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.probes.aws_setup import Ground

DOCS = "https://docs.aws.amazon.com/"
SAME = "the same"


@dataclass(frozen=True)
class Probe:
    """`engine` is what the local engine answers where that is not what `aws` does.

    `covered` says who sees to it that the difference does no harm: the code that needs neither
    answer, or the test that looks at what the engine does not.
    """

    service: str
    question: str
    aws: str
    source: str
    """A page below docs.aws.amazon.com."""
    ask: Callable[[Ground], str]
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


def probe(service: str, question: str, **facts: str) -> Callable[[Any], Any]:
    """The function below it asks."""

    def register(ask: Callable[[Ground], str]) -> Callable[[Ground], str]:
        PROBES.append(Probe(service=service, question=question, ask=ask, **facts))
        return ask

    return register


def probes_of(service: str) -> Callable[..., Callable[[Any], Any]]:
    return partial(probe, service)


def answer(call: Callable[[], object], accepted: str = "accepted") -> str:
    """The code of the error that a call is refused with, or that it is not."""
    try:
        call()
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return accepted
