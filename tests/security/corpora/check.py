"""Judge the answers of the api function to the cases of a corpus."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.security.corpora.api import CANARY, Answer, Api
from tests.security.corpora.case import Case
from tests.security.corpora.routes import error_message
from tests.security.corpora.tenancy import Probe

MAX_SHOWN_FINDINGS = 20


@dataclass
class Report:
    """`findings` has one line per case that is answered wrongly."""

    family: str
    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def add(self, case: Case, answer: Answer, problems: Iterator[str]) -> None:
        self.cases += 1
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        self.findings += (f"{case.name}: {problem}" for problem in problems)

    def line(self) -> str:
        statuses = ", ".join(
            f"{status}: {count}" for status, count in sorted(self.statuses.items())
        )
        return f"{self.family:10} {self.cases:6} cases  {len(self.findings)} findings  ({statuses})"

    def shown(self) -> str:
        more = len(self.findings) - MAX_SHOWN_FINDINGS
        lines = [finding[:400] for finding in self.findings[:MAX_SHOWN_FINDINGS]]
        return "\n".join([self.line(), *lines, *([f"and {more} more"] if more > 0 else [])])


def problems(api: Api, case: Case, answer: Answer) -> Iterator[str]:
    """Yield the faults of an answer: a crash, a wrong envelope, a secret."""
    if answer.status >= 500 or api.has_unexpected_error():
        yield f"status {answer.status}, {answer.text[:200]!r}; log: {api.log.getvalue()[-500:]}"
    elif answer.status >= 400 and not _is_error(case, answer):
        yield f"status {answer.status} without an error of the dialect: {answer.text[:200]!r}"
    for place, text in (("response", answer.text), ("log", api.log.getvalue())):
        if any(secret in text for secret in api.secrets()):
            yield f"the {place} contains an API key"
    if CANARY in answer.text:
        yield "the response contains another account's data"


def _is_error(case: Case, answer: Answer) -> bool:
    if case.method == "HEAD":
        return answer.text == ""
    return error_message(case.path, answer.text) is not None


def key_problems(answer: Answer) -> Iterator[str]:
    if answer.status not in (400, 401):
        yield f"a wrong key is answered with {answer.status}"


def tenancy_problems(api: Api, probe: Probe, foreign: Answer, absent: Answer) -> Iterator[str]:
    """Yield the differences between an id of another account and an absent one."""
    if _neutral(foreign, probe, 0) != _neutral(absent, probe, 1):
        yield f"differs from an absent id: {foreign.status} {foreign.text[:200]!r}"
    owner = api.owner
    hidden = {owner.job, owner.finished_job, owner.endpoint, owner.message, owner.upload_url}
    if any(name in foreign.text for name in hidden - {probe.own[0]}):
        yield "the response contains another id of the account"


def _neutral(answer: Answer, probe: Probe, index: int) -> tuple[int, str]:
    """Return status and body without the id, and without a record that the call created.

    Some errors repeat its first 80 characters.
    """
    if answer.status < 400:
        return answer.status, "accepted"
    text = answer.text
    for name in (probe.sent[index], probe.sent[index][:80], probe.own[index]):
        text = text.replace(name, "{id}")
    return answer.status, text
