"""Checks that each terminal event arrived and that the delivery log matches the receiver."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushes.dialects.json_format import as_json
from rushes.jobs.job import Job
from tests.chaos.violations import Violations
from tests.webhook_soak.delivery_log import DeliveryLog, Logged
from tests.webhook_soak.gallery import Gallery
from tests.webhook_soak.receiver import ACCEPTED
from tests.webhook_soak.subscriber import PATH, Outage

CLOCK_SECONDS = 1.0
"""Resolution of the log's times."""

BROKEN = "broken"
"""Error code of an incomplete response."""

Line = Mapping[str, Any]
"""Line of the receiver's file."""
AttemptKey = tuple[str, int]
"""Message id and timestamp, from the headers and from the log."""


@dataclass
class Report(Violations):
    accepted: int = 0
    """Messages that were verified, stored and answered with 2xx."""
    repetitions: int = 0
    """Messages received again after they were accepted: delivery is at least once."""
    attempts: Counter[str] = field(default_factory=Counter)
    """Attempts in the log, by status code or error."""
    needed: Counter[int] = field(default_factory=Counter)
    """Messages by number of attempts until accepted."""
    delays: list[float] = field(default_factory=list)
    """Seconds from the end of a job until its message was accepted."""
    lost_by_kills: int = 0
    """Stored messages whose response was lost by a kill."""


def check(
    jobs: Iterable[Job],
    received: Sequence[Line],
    logged: Iterable[Logged],
    outages: Sequence[Outage],
) -> Report:
    """Check the finished jobs of one account."""
    report = Report()
    expected = {f"evt_{job.id}_{job.status.value}": job for job in jobs}
    log = {delivery["message_id"]: delivery for delivery in logged}
    _check_lines(report, expected, received)
    _check_arrivals(report, expected, received)
    _check_deliveries(report, expected, log)
    _check_attempts(report, received, log, outages)
    return report


def check_messages(
    report: Report, log: DeliveryLog, logged: Iterable[Logged], received: Iterable[Line]
) -> None:
    """Compare retrieved messages with the log and the received bodies."""
    bodies = {line["id"]: line.get("body") for line in received}
    for delivery in logged:
        name = delivery["message_id"]
        message = log.message(name)
        if message["deliveries"] != [delivery] or as_json(message["event"]) != bodies.get(name):
            report.violation("a message differs from the log or the received body", name)


def check_videos(
    report: Report, gallery: Gallery, completed: Mapping[str, Job], videos: Mapping[str, str]
) -> None:
    """Check that the gallery has the videos of all completed jobs and no others."""
    for job_id in completed.keys() ^ videos.keys():
        report.violation("missing or superfluous in the gallery", job_id)
    for job_id in completed.keys() & videos.keys():
        if fault := gallery.fault(completed[job_id], videos[job_id]):
            report.violation("wrong video in the gallery", fault)


def _check_lines(report: Report, expected: Mapping[str, Job], received: Sequence[Line]) -> None:
    bodies: dict[str, str] = {}
    for line in received:
        name = line["id"]
        if "refused" in line:
            report.violation("not verified by standardwebhooks", f"{name}: {line['refused']}")
            continue
        if line["path"] != PATH:
            report.violation("a redirect was followed", name)
        if name not in expected:
            report.violation("a message for another account's job", name)
        if bodies.setdefault(name, line["body"]) != line["body"]:
            report.violation("a repetition has another body", name)


def _check_arrivals(report: Report, expected: Mapping[str, Job], received: Sequence[Line]) -> None:
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in received:
        lines[line["id"]].append(line)
    for name, job in expected.items():
        answers = [line.get("answer") for line in lines[name]]
        if ACCEPTED not in answers:
            report.violation("lost", f"{name}: {answers}")
            continue
        first = answers.index(ACCEPTED)
        report.accepted += 1
        report.repetitions += len(answers) - first - 1
        report.delays.append(lines[name][first]["at"] - (job.finished_at or 0.0))


def _check_deliveries(
    report: Report, expected: Mapping[str, Job], log: Mapping[str, Logged]
) -> None:
    for name in expected.keys() ^ log.keys():
        report.violation("not one delivery for each terminal event", name)
    for name, delivery in log.items():
        answers = [attempt["status_code"] for attempt in delivery["attempts"]]
        if delivery["status"] != "delivered" or ACCEPTED not in answers:
            report.violation("not delivered", f"{name}: {delivery['status']} {answers}")
        else:
            report.needed[answers.index(ACCEPTED) + 1] += 1


def _check_attempts(
    report: Report, received: Sequence[Line], log: Mapping[str, Logged], outages: Sequence[Outage]
) -> None:
    """Match received messages and logged attempts; the rest must have failed in an outage."""
    unmatched = _by_attempt(received)
    last_lines = [
        [line for line in received if line["life"] == outage.life][-1:] for outage in outages
    ]
    logged = [(name, attempt) for name, entry in log.items() for attempt in entry["attempts"]]
    for name, attempt in logged:
        report.attempts[str(attempt["error"] or attempt["status_code"])] += 1
        if lines := unmatched.get((name, attempt["attempted_at"])):
            line = lines.pop(0)
            _check_answer(report, line, attempt, was_last=[line] in last_lines)
        elif attempt["error"] is None or not _is_in_outage(outages, attempt["attempted_at"]):
            report.violation("an attempt in the log was not received", f"{name}: {attempt}")
    for line in (line for lines in unmatched.values() for line in lines):
        example = f"{line['id']} {line['timestamp']}: {line['answer']}"
        report.violation("an attempt is not in the log", example)


def _by_attempt(received: Sequence[Line]) -> dict[AttemptKey, list[Line]]:
    found: dict[AttemptKey, list[Line]] = defaultdict(list)
    for line in received:
        if "refused" not in line:
            found[line["id"], line["timestamp"]].append(line)
    return found


def _check_answer(
    report: Report, line: Line, attempt: Mapping[str, Any], *, was_last: bool
) -> None:
    """`was_last`: the receiver was killed after it stored this line."""
    logged, answer = attempt["error"] or attempt["status_code"], line["answer"] or BROKEN
    if logged == answer:
        return
    if was_last and logged == BROKEN:
        report.lost_by_kills += 1
    else:
        example = f"{line['id']}: {logged}, answered {answer}"
        report.violation("the log has another result than the receiver", example)


def _is_in_outage(outages: Sequence[Outage], moment: float) -> bool:
    return any(outage.since - CLOCK_SECONDS <= moment <= outage.until for outage in outages)
