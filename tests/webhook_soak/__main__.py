"""Run many jobs with a subscriber that fails and is killed: `python -m tests.webhook_soak`.

The program prints a table of figures; its exit status is 1 if an invariant was violated.
"""

import argparse
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from local.stack import Stack
from rushes.jobs.status import JobStatus
from tests.chaos.records import wait_until_all_finished
from tests.webhook_soak.delivery_log import DeliveryLog, is_pending
from tests.webhook_soak.gallery import Gallery
from tests.webhook_soak.job_clients import JobClients
from tests.webhook_soak.outcome_checks import check, check_messages, check_videos
from tests.webhook_soak.subscriber import Subscriber

RATE = 4.0
"""Jobs per second."""
FAILURE_RATE = 0.3
KILLS = 2
OUTAGE_SECONDS = 8.0
WAIT_SCALE = "0.5"
MAX_WAIT_SECONDS = 900.0
MAX_ROUNDS = 10
SAMPLED = 10
"""One message in ten is also retrieved on its own."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.webhook_soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    jobs: int = parser.parse_args().jobs
    begun, begun_at = time.monotonic(), time.time()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "state", wait_scale=WAIT_SCALE) as stack,
        Subscriber(Path(folder), FAILURE_RATE) as subscriber,
    ):
        gallery, log = Gallery(stack), DeliveryLog.of(stack, subscriber)
        clients = JobClients(stack)
        clients.run(jobs, RATE, [lambda: subscriber.kill(OUTAGE_SECONDS)] * KILLS)
        jobs_of_all = wait_until_all_finished(stack, MAX_WAIT_SECONDS)
        finished = [job for job in jobs_of_all if job.is_finished]
        ours = [job for job in finished if job.id in clients.accepted]
        by_schedule = log.wait_until_idle(len(ours), MAX_WAIT_SECONDS)
        resent, single = resend(log, len(ours), begun_at)
        logged = log.wait_until_idle(len(ours), MAX_WAIT_SECONDS)
        report = check(ours, subscriber.received(), logged, subscriber.outages)
        check_messages(report, log, logged[::SAMPLED], subscriber.received())
        completed = {job.id: job for job in finished if job.status is JobStatus.COMPLETED}
        videos = gallery.wait_for_videos(len(completed), MAX_WAIT_SECONDS)
        check_videos(report, gallery, completed, videos)
    if len(ours) != jobs or clients.abandoned:
        report.violation("not accepted, or not finished", f"{len(ours)}: {dict(clients.abandoned)}")
    figures = {
        "jobs, by status": _counts(Counter(job.status.value for job in ours)),
        "jobs of another account": len(clients.other_accounts),
        "kills (SIGKILL), seconds of outage": ", ".join(
            f"{outage.until - outage.since:.1f}" for outage in subscriber.outages
        ),
        "responses lost by a kill": report.lost_by_kills,
        "terminal events verified and stored": report.accepted,
        "attempts in the log, by result": _counts(report.attempts),
        "messages by attempts until accepted": ", ".join(
            f"{attempts}: {count}" for attempts, count in sorted(report.needed.items())
        ),
        "delivered by the schedule, before the resend": sum(
            not is_pending(delivery) for delivery in by_schedule
        ),
        "resent as one range": resent,
        "resent one by one, still pending": single,
        "repeated after they were accepted": report.repetitions,
        "seconds from end to receiver, median, p95, maximum": _quantiles(report.delays),
        "videos in the downstream gallery": len(videos),
        "seconds in total": round(time.monotonic() - begun),
    }
    report.print_and_exit(figures, "lost", "not delivered")


def resend(log: DeliveryLog, count: int, since: float) -> tuple[int, int]:
    """Resend all messages as one range, then the pending ones one by one."""
    resent, single = log.resend_since(since), 0
    for _ in range(MAX_ROUNDS):
        deliveries = log.wait_until_idle(count, MAX_WAIT_SECONDS)
        pending = [delivery for delivery in deliveries if is_pending(delivery)]
        if not pending:
            break
        for delivery in pending:
            log.resend(delivery["message_id"])
        single += len(pending)
    return resent, single


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())


def _quantiles(delays: list[float]) -> str:
    if len(delays) < 2:
        return ""
    of_twenty = statistics.quantiles(delays, n=20)
    return f"{statistics.median(delays):.1f}, {of_twenty[-1]:.1f}, {max(delays):.1f}"


if __name__ == "__main__":
    main()
