"""Whether each ending arrived, and the delivery log says of it what the receiver saw."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushes.dialects.openai_videos.openai_format import as_json
from rushes.jobs.job import Job
from tests.webhook_soak.delivery_log import DeliveryLog, Logged
from tests.webhook_soak.gallery import Gallery
from tests.webhook_soak.receiver import TAKEN
from tests.webhook_soak.subscriber import PATH, Outage

CLOCK_SECONDS = 1.0
"""The log's times are whole seconds."""

BROKEN = "broken"
"""The log's word for an answer that broke off."""

Line = Mapping[str, Any]
"""Of the receiver's file."""
Attempt = tuple[str, int]
"""Message and second: both are in the headers, and in the log."""


@dataclass
class Report:
    taken: int = 0
    """Messages that were verified, written down and answered with 2xx."""
    repetitions: int = 0
    """Of messages that had been taken: the price of at least once."""
    attempts: Counter[str] = field(default_factory=Counter)
    """Of the log, by status or error."""
    needed: Counter[int] = field(default_factory=Counter)
    """How many attempts there were until a message was taken, counted over messages."""
    took: list[float] = field(default_factory=list)
    """Seconds from a job's end until its message was taken."""
    cut_by_kills: int = 0
    """Attempts that were written down, and whose answer a kill kept from us."""
    broken: Counter[str] = field(default_factory=Counter)
    """Promises, and how often each was not kept."""
    examples: list[str] = field(default_factory=list)

    def breaks(self, promise: str, example: str) -> None:
        self.broken[promise] += 1
        self.examples.append(f"{promise}: {example}")


def judge(
    jobs: Iterable[Job],
    heard: Sequence[Line],
    logged: Iterable[Logged],
    outages: Sequence[Outage],
) -> Report:
    """`jobs` are those of our account, all of them ended."""
    report = Report()
    expected = {f"evt_{job.id}_{job.status.value}": job for job in jobs}
    log = {delivery["message_id"]: delivery for delivery in logged}
    _judge_lines(report, expected, heard)
    _judge_arrivals(report, expected, heard)
    _judge_deliveries(report, expected, log)
    _judge_attempts(report, heard, log, outages)
    return report


def judge_messages(
    report: Report, log: DeliveryLog, logged: Iterable[Logged], heard: Iterable[Line]
) -> None:
    """A message's own page says the same as the log, and holds the event that was sent."""
    bodies = {line["id"]: line.get("body") for line in heard}
    for delivery in logged:
        name = delivery["message_id"]
        message = log.message(name)
        if message["deliveries"] != [delivery] or as_json(message["event"]) != bodies.get(name):
            report.breaks("a message is not shown as it was sent", name)


def judge_films(
    report: Report, gallery: Gallery, completed: Mapping[str, Job], films: Mapping[str, str]
) -> None:
    """Those that completed, of every account, are on the page downstream, and no others."""
    for job_id in completed.keys() ^ films.keys():
        report.breaks("not on the page downstream, or there for nothing", job_id)
    for job_id in completed.keys() & films.keys():
        if fault := gallery.fault(completed[job_id], films[job_id]):
            report.breaks("another film downstream", fault)


def _judge_lines(report: Report, expected: Mapping[str, Job], heard: Sequence[Line]) -> None:
    bodies: dict[str, str] = {}
    for line in heard:
        name = line["id"]
        if "refused" in line:
            report.breaks("not verified by another's library", f"{name}: {line['refused']}")
            continue
        if line["path"] != PATH:
            report.breaks("a redirect was followed", name)
        if name not in expected:
            report.breaks("a message for no job of ours", name)
        if bodies.setdefault(name, line["body"]) != line["body"]:
            report.breaks("another body at a repetition", name)


def _judge_arrivals(report: Report, expected: Mapping[str, Job], heard: Sequence[Line]) -> None:
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in heard:
        lines[line["id"]].append(line)
    for name, job in expected.items():
        answers = [line.get("answer") for line in lines[name]]
        if TAKEN not in answers:
            report.breaks("lost", f"{name}: {answers}")
            continue
        first = answers.index(TAKEN)
        report.taken += 1
        report.repetitions += len(answers) - first - 1
        report.took.append(lines[name][first]["at"] - (job.finished_at or 0.0))


def _judge_deliveries(
    report: Report, expected: Mapping[str, Job], log: Mapping[str, Logged]
) -> None:
    for name in expected.keys() ^ log.keys():
        report.breaks("not one delivery for each ending", name)
    for name, delivery in log.items():
        answers = [it["status_code"] for it in delivery["attempts"]]
        if delivery["status"] != "delivered" or TAKEN not in answers:
            report.breaks("not delivered", f"{name}: {delivery['status']} {answers}")
        else:
            report.needed[answers.index(TAKEN) + 1] += 1


def _judge_attempts(
    report: Report,
    heard: Sequence[Line],
    log: Mapping[str, Logged],
    outages: Sequence[Outage],
) -> None:
    """Each that was heard is in the log as it was answered; the others fell into an outage."""
    unmatched = _by_attempt(heard)
    last_words = [
        [line for line in heard if line["life"] == outage.life][-1:] for outage in outages
    ]
    logged = [(name, attempt) for name, it in log.items() for attempt in it["attempts"]]
    for name, attempt in logged:
        report.attempts[str(attempt["error"] or attempt["status_code"])] += 1
        if lines := unmatched.get((name, attempt["attempted_at"])):
            line = lines.pop(0)
            _judge_heard(report, line, attempt, was_last=[line] in last_words)
        elif attempt["error"] is None or not _fell_into(outages, attempt["attempted_at"]):
            report.breaks("the log has what nobody heard", f"{name}: {attempt}")
    for line in (line for lines in unmatched.values() for line in lines):
        said = f"{line['id']} {line['timestamp']}: {line['answer']}"
        report.breaks("an attempt is not in the log", said)


def _by_attempt(heard: Sequence[Line]) -> dict[Attempt, list[Line]]:
    found: dict[Attempt, list[Line]] = defaultdict(list)
    for line in heard:
        if "refused" not in line:
            found[line["id"], line["timestamp"]].append(line)
    return found


def _judge_heard(report: Report, line: Line, attempt: Mapping[str, Any], *, was_last: bool) -> None:
    """`was_last`: the receiver was killed after it had written this line."""
    logged, answer = attempt["error"] or attempt["status_code"], line["answer"] or BROKEN
    if logged == answer:
        return
    if was_last and logged == BROKEN:
        report.cut_by_kills += 1
    else:
        said = f"{line['id']}: {logged}, answered {answer}"
        report.breaks("the log says what was not answered", said)


def _fell_into(outages: Sequence[Outage], moment: float) -> bool:
    return any(it.since - CLOCK_SECONDS <= moment <= it.until for it in outages)
