"""What an attempt says of its delivery and of its endpoint. Pure: moments and dice are given."""

from dataclasses import dataclass

from rushes.webhooks import operational_events, retry_policy
from rushes.webhooks.attempt import UNWRITABLE, Attempt
from rushes.webhooks.delivery import CLOCK_SKEW, QUEUED_SECONDS, Delivery, DeliveryStatus
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.ports import LONGEST_DELAY


@dataclass(frozen=True)
class AttemptResult:
    """`is_last` where its endpoint is sent nothing more, whatever came of this."""

    attempt: Attempt
    retry_after: str | None = None
    is_last: bool = False


def is_held(delivery: Delivery, endpoint: Endpoint, now: float) -> bool:
    """Whether an attempt would most likely be one more that is not answered in time.

    Who asks for one after the last that was not answered gets it: the receiver may be mended.
    """
    timed_out_at = endpoint.timed_out_at
    if timed_out_at is None or delivery.is_test or not endpoint.is_enabled:
        return False
    asked_since = delivery.resent_from is not None and (delivery.resent_at or 0.0) > timed_out_at
    return endpoint.held_until > now + CLOCK_SKEW and not asked_since


def tells_of_endpoint(delivery: Delivery, attempt: Attempt) -> bool:
    """A test tells nothing, unless the answer is that nothing more is wanted."""
    if delivery.is_test:
        return attempt.status_code == retry_policy.GONE
    return attempt.error != UNWRITABLE


def judged(endpoint: Endpoint, attempt: Attempt, now: float) -> Endpoint:
    if retry_policy.succeeded(attempt):
        return endpoint.well()
    failing = endpoint.failing(now, timed_out=retry_policy.timed_out(attempt))
    since = now if failing.failing_since is None else failing.failing_since
    if attempt.status_code == retry_policy.GONE:
        return failing.disabled(now, "gone", operational_events.disabled(failing, now, "gone"))
    if now - since >= retry_policy.DISABLED_AFTER:
        return failing.disabled(
            now, "failing", operational_events.disabled(failing, now, "failing")
        )
    return failing


def recorded(
    current: Delivery, leased: Delivery, tried: AttemptResult, now: float, dice: float
) -> Delivery:
    """`current`, with what came of the attempt that `leased` was the beginning of.

    What was asked for meanwhile is asked for still: it is another attempt.
    """
    is_pending = current.status is DeliveryStatus.PENDING
    if is_pending and current.resent_at is not None and current.resent_at != leased.resent_at:
        newer = {"attempts": current.attempts, "version": current.version}
        before = leased.model_copy(update=newer)
        return _outcome(before, tried, now, dice).resent(current.resent_at)
    return _outcome(current, tried, now, dice)


def _outcome(delivery: Delivery, tried: AttemptResult, now: float, dice: float) -> Delivery:
    attempt = tried.attempt
    if retry_policy.succeeded(attempt):
        return delivery.delivered(now, attempt)
    if delivery.status is not DeliveryStatus.PENDING:
        return delivery.noted(now, attempt)
    delay = None if _is_over(delivery, tried) else _delay(delivery, tried, now, dice)
    if delay is None:
        return delivery.given_up(now, attempt)
    return delivery.postponed(now, attempt, now + delay, _trusted_until(now, delay))


def _is_over(delivery: Delivery, tried: AttemptResult) -> bool:
    asked_for = tried.attempt.trigger == "manual"
    was_over = asked_for and delivery.resent_from is not DeliveryStatus.PENDING
    return (
        tried.is_last
        or was_over
        or delivery.is_test
        or tried.attempt.status_code == retry_policy.GONE
    )


def _delay(delivery: Delivery, tried: AttemptResult, now: float, dice: float) -> float | None:
    """An attempt that somebody asked for leaves the schedule's next one where it was."""
    attempt = tried.attempt
    tries = delivery.tries + (attempt.trigger == "scheduled")
    delay = retry_policy.next_delay(tries, attempt, tried.retry_after, now, dice)
    if delay is None or delivery.planned_at is None:
        return delay
    least = retry_policy.least_delay(attempt, tried.retry_after, now)
    return min(delay, max(delivery.planned_at - now, least))


def _trusted_until(now: float, delay: float) -> float | None:
    """The queue cannot keep anything back for long; the sweeper brings the rest."""
    return now + delay + QUEUED_SECONDS if delay <= LONGEST_DELAY else None
