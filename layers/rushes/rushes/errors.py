"""All errors of the application, as one tree.

RushesError
├── ClientError                      the request is refused: 4xx in the dialect's envelope
│   ├── InvalidRequest               a field is invalid; `param` names it
│   │   ├── UnknownModel
│   │   ├── UnknownCursor
│   │   ├── UrlNotAllowed            the SSRF check rejects the URL
│   │   └── ConflictingKeys          two different API keys in one request
│   ├── MissingApiKey, InvalidApiKey 401
│   │   └── ExpiredApiKey            the secret is right, and the key has expired
│   ├── PermissionDenied             403: the API key does not allow the call
│   │   ├── MissingScope             its scopes do not contain the call's
│   │   ├── ModelNotAllowed          it may use other models only
│   │   └── AccountDisabled          the operator has disabled its account
│   ├── NotFound                     404: absent, deleted or of another account
│   │   ├── ContentNotReady
│   │   ├── VariantNotAvailable
│   │   └── UnsupportedOperation
│   ├── MethodNotAllowed             405: the URL exists, with other methods
│   ├── RangeNotSatisfiable          416: the Range header is behind the end of the file
│   ├── AlreadyFinished              409: too late to cancel
│   ├── NotRetryable                 409: the job has not failed, nor was it cancelled
│   ├── KeyConflict                  409: an API key that is revoked or was rotated before
│   ├── AccountExists                409: an account of that name exists
│   ├── IdempotencyKeyInUse          409: a request with the same Idempotency-Key is in progress
│   ├── IdempotencyKeyReused         422: the same Idempotency-Key with another body
│   ├── LimitReached                 429: a limit of the account or its API key
│   │   ├── BudgetExceeded           429: dollars of a day or a month
│   │   ├── TooManyJobs              429: jobs that are not finished, or are at a provider
│   │   └── RateLimited              429: create calls per minute
│   │       └── TooManyFailedKeys    429: invalid API keys from one network address
│   └── TooLarge                     413
├── ServerError                      5xx
│   ├── AwsUnavailable
│   ├── CorruptConfig                a published configuration cannot be read
│   └── CorruptRecord                an item was changed by hand or cannot be read
├── WriteConflict                    a concurrent write won: read and decide again
│   └── AlreadyAccepted              the create call has created a job before
└── UpstreamError                    a failed or missing provider response; becomes the job's error
    ├── UpstreamUnreachable          nothing was sent: safe to retry
    ├── UpstreamUnavailable          the provider says that it has created nothing: safe to retry
    ├── UpstreamThrottled            the provider requested a later retry
    ├── ProviderPaused               the operator has paused the provider
    ├── UpstreamRefused              the provider refused for good
    ├── UpstreamAccountError         the provider refuses the deployment's account: quota, billing
    ├── UpstreamModelUnavailable     the provider does not serve the model (any more)
    ├── UpstreamNoResponse           sent; the outcome is unknown
    ├── UpstreamProtocolError        the response does not follow the protocol
    │   └── UnknownUpstreamStatus
    ├── UpstreamJobNotFound          the provider does not know the job (any more)
    ├── ProviderNotConfigured        the deployment has no URL or API key for the provider
    ├── InvalidInputFile             an input file cannot be fetched or has the wrong type
    ├── DownloadInterrupted          an output download was interrupted: retry
    └── InvalidOutput                an output has the wrong type or size
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rushes.redaction import REDACTOR


class RushesError(Exception):
    """An error with a code for programs and a message for people, without the secrets in use.

    `retryable`: the same call may succeed later. Handlers follow it.
    """

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    retry_after: int | None = None
    """Seconds until a retry makes sense, if known."""
    public_message: ClassVar[str] = "the service is unavailable"
    """Sent to the client in place of an internal message."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        self.message = REDACTOR.redact(message)
        super().__init__(self.message)
        self.param = param
        self.error_code = code or self.code


class ClientError(RushesError):
    code = "invalid_request"
    http_status = 400


class InvalidRequest(ClientError):
    """`kind` is the violated constraint, as pydantic names it: `missing`, `less_than_equal`.

    `allowed` are the accepted values, if they are a list.
    """

    code = "invalid_value"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "value_error",
        allowed: Sequence[str | int] = (),
    ) -> None:
        super().__init__(message, param=param, code=code)
        self.kind = kind
        self.allowed = tuple(allowed)


class UnknownModel(InvalidRequest):
    code = "model_not_found"


class UnknownCursor(InvalidRequest):
    code = "unknown_cursor"


class UrlNotAllowed(InvalidRequest):
    code = "address_refused"


class ConflictingKeys(InvalidRequest):
    code = "conflicting_keys"


class MissingApiKey(ClientError):
    code = "missing_api_key"
    http_status = 401


class InvalidApiKey(ClientError):
    code = "invalid_api_key"
    http_status = 401


class ExpiredApiKey(InvalidApiKey):
    code = "expired_api_key"


class PermissionDenied(ClientError):
    """`allowed` are the values that would be accepted, if they are known to the client."""

    code = "permission_denied"
    http_status = 403

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        super().__init__(message, param=param, code=code)
        self.allowed = tuple(allowed)


class MissingScope(PermissionDenied):
    """`needed` is the scope of the operation."""

    code = "missing_scope"

    def __init__(self, message: str, *, needed: str) -> None:
        super().__init__(message, param="authorization", allowed=(needed,))


class ModelNotAllowed(PermissionDenied):
    code = "model_not_allowed"


class AccountDisabled(PermissionDenied):
    code = "account_disabled"


class NotFound(ClientError):
    code = "not_found"
    http_status = 404


class ContentNotReady(NotFound):
    code = "content_not_ready"


class VariantNotAvailable(NotFound):
    code = "variant_not_available"


class UnsupportedOperation(NotFound):
    code = "unsupported_operation"


class MethodNotAllowed(ClientError):
    """`allowed` are the methods of the URL."""

    code = "method_not_allowed"
    http_status = 405

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class RangeNotSatisfiable(ClientError):
    code = "range_not_satisfiable"
    http_status = 416


class AlreadyFinished(ClientError):
    code = "already_finished"
    http_status = 409


class NotRetryable(ClientError):
    code = "not_retryable"
    http_status = 409


class KeyConflict(ClientError):
    code = "key_conflict"
    http_status = 409


class AccountExists(ClientError):
    code = "account_exists"
    http_status = 409


class IdempotencyKeyInUse(ClientError):
    code = "idempotency_key_in_use"
    http_status = 409
    retryable = True
    retry_after: int | None = 1


class IdempotencyKeyReused(ClientError):
    code = "idempotency_key_reused"
    http_status = 422


class LimitReached(ClientError):
    """A limit that has room again after `retry_after`; `headers` are the RateLimit headers."""

    http_status = 429
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: int = 1,
        headers: Mapping[str, str] | None = None,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, param=param, code=code)
        self.retry_after = retry_after
        self.headers = headers or {}


class BudgetExceeded(LimitReached):
    code = "budget_exceeded"
    retryable = False


class TooManyJobs(LimitReached):
    code = "too_many_jobs"


class RateLimited(LimitReached):
    """Too many calls in the current window, which ends after `retry_after`."""

    code = "rate_limit_exceeded"


class TooManyFailedKeys(RateLimited):
    code = "too_many_failed_keys"
    retryable = False


class TooLarge(ClientError):
    code = "request_too_large"
    http_status = 413


class ServerError(RushesError):
    pass


class AwsUnavailable(ServerError):
    code = "service_unavailable"
    http_status = 503
    retryable = True
    retry_after: int | None = 2


class CorruptConfig(ServerError):
    pass


class CorruptRecord(ServerError):
    code = "damaged_record"
    public_message: ClassVar[str] = "the record is corrupt; contact the operator"


class WriteConflict(RushesError):
    code = "write_conflict"
    http_status = 503
    retryable = True
    retry_after: int | None = 1


class AlreadyAccepted(WriteConflict):
    pass


class UpstreamError(RushesError):
    """A failed call to a provider. Clients read its message.

    `wait_seconds` is the delay that the provider requested, `upstream_code` its error code.
    `key_rejected`: the provider rejects the API key for every request. `may_be_billed`: the
    provider may have generated something before it refused. `detail` is for the operator only: the
    provider's own text, or the cause.
    """

    code = "upstream_error"
    http_status = 502

    def __init__(  # noqa: PLR0913 - one keyword per fact of the reply
        self,
        message: str,
        *,
        code: str | None = None,
        wait_seconds: float | None = None,
        upstream_code: str | None = None,
        key_rejected: bool = False,
        may_be_billed: bool = False,
        detail: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.wait_seconds = wait_seconds
        self.upstream_code = upstream_code and REDACTOR.redact(upstream_code)
        self.key_rejected = key_rejected
        self.may_be_billed = may_be_billed
        self.detail = detail and REDACTOR.redact(detail)


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"
    retryable = True


class UpstreamUnavailable(UpstreamError):
    code = "upstream_unavailable"
    retryable = True


class UpstreamThrottled(UpstreamError):
    code = "upstream_busy"
    retryable = True


class ProviderPaused(UpstreamError):
    code = "provider_paused"
    retryable = True


class UpstreamRefused(UpstreamError):
    code = "upstream_refused"


class UpstreamAccountError(UpstreamError):
    code = "upstream_account"


class UpstreamModelUnavailable(UpstreamError):
    code = "upstream_model_unavailable"


class UpstreamNoResponse(UpstreamError):
    code = "upstream_outcome_unknown"
    retryable = True


class UpstreamProtocolError(UpstreamError):
    code = "upstream_bad_response"


class UnknownUpstreamStatus(UpstreamProtocolError):
    code = "upstream_unknown_status"


class UpstreamJobNotFound(UpstreamError):
    code = "upstream_job_not_found"


class ProviderNotConfigured(UpstreamError):
    code = "provider_not_configured"


class InvalidInputFile(UpstreamError):
    code = "invalid_input_reference"


class DownloadInterrupted(UpstreamError):
    code = "output_interrupted"
    retryable = True


class InvalidOutput(UpstreamError):
    code = "bad_output"
