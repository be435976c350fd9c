"""`python -m tests.webhook_soak`: many jobs, and a subscriber that fails and is killed meanwhile.

It prints a table of figures, and ends with status 1 when a promise was not kept.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from local.stack import Stack
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.chaos.records import rows
from tests.webhook_soak.delivery_log import DeliveryLog, is_pending
from tests.webhook_soak.gallery import Gallery
from tests.webhook_soak.job_clients import HandingIn
from tests.webhook_soak.outcome_checks import judge, judge_films, judge_messages
from tests.webhook_soak.subscriber import Subscriber

RATE = 4.0
"""Jobs that are handed in in a second."""
FAILING = 0.3
KILLS = 2
AWAY_SECONDS = 8.0
WAIT_SCALE = "0.5"
PATIENCE_SECONDS = 900.0
LOOK_SECONDS = 3.0
MOST_ROUNDS = 10
LOOKED_AT = 10
"""One message in so many is looked at by itself, too."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.webhook_soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    jobs: int = parser.parse_args().jobs
    begun, begun_at = time.monotonic(), time.time()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "state", wait_scale=WAIT_SCALE) as stack,
        Subscriber(Path(folder), FAILING) as subscriber,
    ):
        gallery, log = Gallery(stack), DeliveryLog.of(stack, subscriber)
        handing_in = HandingIn(stack)
        trouble(handing_in, subscriber, jobs)
        ended = wait_until_all_ended(stack)
        ours = [job for job in ended if job.id in handing_in.accepted]
        by_schedule = log.settled(len(ours), PATIENCE_SECONDS)
        resent, singly = send_again(log, len(ours), begun_at)
        logged = log.settled(len(ours), PATIENCE_SECONDS)
        report = judge(ours, subscriber.heard(), logged, subscriber.outages)
        judge_messages(report, log, logged[::LOOKED_AT], subscriber.heard())
        completed = {job.id: job for job in ended if job.status is JobStatus.COMPLETED}
        films = gallery.settled(len(completed), PATIENCE_SECONDS)
        judge_films(report, gallery, completed, films)
    if len(ours) != jobs or handing_in.given_up:
        report.breaks("not accepted, or not ended", f"{len(ours)}: {dict(handing_in.given_up)}")
    endings = Counter(job.status.value for job in ours)
    figures = {
        "jobs, by ending": ", ".join(f"{count} {name}" for name, count in endings.most_common()),
        "jobs of another account beside them": len(handing_in.other_accounts),
        "kills (SIGKILL), seconds away": ", ".join(
            f"{it.until - it.since:.1f}" for it in subscriber.outages
        ),
        "answers that a kill cut off": report.cut_by_kills,
        "endings verified and on the receiver's disk": report.taken,
        "attempts in the log, by report": ", ".join(
            f"{count} {name}" for name, count in report.attempts.most_common()
        ),
        "messages by attempts until taken": ", ".join(
            f"{tries}: {count}" for tries, count in sorted(report.needed.items())
        ),
        "delivered by the schedule, before anything was resent": sum(
            not is_pending(delivery) for delivery in by_schedule
        ),
        "resent as one range, whatever had become of them": resent,
        "resent one by one, being still pending": singly,
        "heard again after they had been taken": report.repetitions,
        "seconds from end to receiver, median, 95 %, longest": _quantiles(report.took),
        "films on the page downstream": len(films),
        "seconds in all": round(time.monotonic() - begun),
        **{promise: report.broken[promise] for promise in ("lost", "not delivered")},
    }
    for name, value in (figures | report.broken).items():
        print(f"{name:<55} {value}")
    print(*report.examples[:20], sep="\n")
    sys.exit(1 if report.broken else 0)


def trouble(handing_in: HandingIn, subscriber: Subscriber, jobs: int) -> None:
    """Hand the jobs in; in between the subscriber is killed, and comes again."""
    clients = threading.Thread(target=handing_in.hand_in, args=(jobs, RATE))
    clients.start()
    try:
        for kill in range(1, KILLS + 1):
            while clients.is_alive() and len(handing_in.accepted) < jobs * kill // (KILLS + 1):
                time.sleep(0.1)
            subscriber.kill(AWAY_SECONDS)
        clients.join()
    finally:
        handing_in.stop()


def wait_until_all_ended(stack: Stack) -> list[Job]:
    """Those that have, when patience is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        jobs = rows(stack)
        ended = [job for job in jobs if job.is_finished]
        if len(ended) == len(jobs) or time.monotonic() > deadline:
            return ended
        time.sleep(LOOK_SECONDS)


def send_again(log: DeliveryLog, count: int, since: float) -> tuple[int, int]:
    """What an operator does who will not wait for the schedule: all at once, then the rest."""
    resent, singly = log.resend_since(since), 0
    for _ in range(MOST_ROUNDS):
        pending = [it for it in log.settled(count, PATIENCE_SECONDS) if is_pending(it)]
        if not pending:
            break
        for delivery in pending:
            log.resend(delivery["message_id"])
        singly += len(pending)
    return resent, singly


def _quantiles(took: list[float]) -> str:
    if len(took) < 2:
        return ""
    of_twenty = statistics.quantiles(took, n=20)
    return f"{statistics.median(took):.1f}, {of_twenty[-1]:.1f}, {max(took):.1f}"


if __name__ == "__main__":
    main()
