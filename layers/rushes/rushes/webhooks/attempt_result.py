"""Apply an attempt's result to its delivery and its endpoint. Pure functions."""

from dataclasses import dataclass

from rushes.webhooks import operational_events, retry_policy
from rushes.webhooks.attempt import RENDER_FAILED, DeliveryAttempt
from rushes.webhooks.delivery import CLOCK_SKEW, QUEUED_SECONDS, Delivery, DeliveryStatus
from rushes.webhooks.endpoint import Endpoint, RequestSecrets
from rushes.webhooks.ports import MAX_QUEUE_DELAY


@dataclass(frozen=True)
class AttemptResult:
    """`is_last`: the endpoint was disabled or deleted, so no attempt follows."""

    attempt: DeliveryAttempt
    retry_after: str | None = None
    is_last: bool = False


def must_pause(delivery: Delivery, endpoint: Endpoint, now: float) -> bool:
    """Return True while the endpoint is paused after a timeout.

    A resend request after that timeout is attempted at once: the receiver may be repaired.
    """
    timed_out_at = endpoint.timed_out_at
    if timed_out_at is None or delivery.is_test or not endpoint.is_enabled:
        return False
    resent_since = delivery.resent_from is not None and (delivery.resent_at or 0.0) > timed_out_at
    return endpoint.paused_until > now + CLOCK_SKEW and not resent_since


def is_slow(delivery: Delivery, receiver: Endpoint | RequestSecrets | None) -> bool:
    """Return whether the delivery belongs in a message group for slow receivers."""
    if isinstance(receiver, Endpoint):
        return receiver.is_enabled and receiver.slow_since is not None
    return receiver is not None and delivery.host in receiver.slow_hosts


def apply_to_endpoint(
    endpoint: Endpoint, delivery: Delivery, attempt: DeliveryAttempt, now: float
) -> Endpoint:
    """Update the failure series and the response time; ignore an attempt that sent nothing.

    The failure of a test does not count, except a 410. Its response time does.
    """
    if attempt.error == RENDER_FAILED:
        return endpoint
    is_counted = not delivery.is_test or attempt.status_code == retry_policy.GONE
    changed = _with_result(endpoint, attempt, now) if is_counted else endpoint
    return changed.record_response_time(now, attempt.latency_ms / 1000)


def apply_to_host(
    secrets: RequestSecrets, host: str, attempt: DeliveryAttempt, now: float
) -> RequestSecrets:
    if attempt.error == RENDER_FAILED:
        return secrets
    return secrets.record_response_time(host, now, attempt.latency_ms / 1000)


def _with_result(endpoint: Endpoint, attempt: DeliveryAttempt, now: float) -> Endpoint:
    """Disable the endpoint after a 410 or five days of failures."""
    if retry_policy.succeeded(attempt):
        return endpoint.record_success()
    failing = endpoint.record_failure(now, timed_out=retry_policy.timed_out(attempt))
    since = now if failing.failing_since is None else failing.failing_since
    if attempt.status_code == retry_policy.GONE:
        return _disabled(failing, now, "gone")
    if now - since >= retry_policy.DISABLE_AFTER:
        return _disabled(failing, now, "failing")
    return failing


def _disabled(endpoint: Endpoint, now: float, reason: str) -> Endpoint:
    event = operational_events.endpoint_disabled(endpoint, now, reason)
    return endpoint.disabled(now, reason, event)


def apply_to_delivery(
    current: Delivery, leased: Delivery, result: AttemptResult, now: float, jitter: float
) -> Delivery:
    """Record the result of the attempt that began with `leased`.

    A resend request during the attempt stays due: it requires another attempt.
    """
    is_pending = current.status is DeliveryStatus.PENDING
    if is_pending and current.resent_at is not None and current.resent_at != leased.resent_at:
        newer = {"attempts": current.attempts, "version": current.version}
        before = leased.model_copy(update=newer)
        return _next_state(before, result, now, jitter).resent(current.resent_at)
    return _next_state(current, result, now, jitter)


def _next_state(delivery: Delivery, result: AttemptResult, now: float, jitter: float) -> Delivery:
    attempt = result.attempt
    if retry_policy.succeeded(attempt):
        return delivery.delivered(now, attempt)
    if delivery.status is not DeliveryStatus.PENDING:
        return delivery.with_attempt(now, attempt)
    delay = None if _is_final(delivery, result) else _delay(delivery, result, now, jitter)
    if delay is None:
        return delivery.failed(now, attempt)
    return delivery.rescheduled(now, attempt, now + delay, _queued_until(now, delay))


def _is_final(delivery: Delivery, result: AttemptResult) -> bool:
    is_manual = result.attempt.trigger == "manual"
    was_terminal = is_manual and delivery.resent_from is not DeliveryStatus.PENDING
    is_gone = result.attempt.status_code == retry_policy.GONE
    return result.is_last or was_terminal or delivery.is_test or is_gone


def _delay(delivery: Delivery, result: AttemptResult, now: float, jitter: float) -> float | None:
    """Keep the time of the next scheduled attempt after a manual one."""
    attempt = result.attempt
    attempts = delivery.scheduled_attempts + (attempt.trigger == "scheduled")
    delay = retry_policy.next_delay(attempts, attempt, result.retry_after, now, jitter)
    if delay is None or delivery.planned_at is None:
        return delay
    least = retry_policy.min_delay(attempt, result.retry_after, now)
    return min(delay, max(delivery.planned_at - now, least))


def _queued_until(now: float, delay: float) -> float | None:
    """Return None if the delay exceeds SQS's limit; the sweeper queues the delivery then."""
    return now + delay + QUEUED_SECONDS if delay <= MAX_QUEUE_DELAY else None
