"""Everything that can go wrong, as one tree.

RushesError
├── ClientError                  the request cannot be done as asked: 4xx in the dialect's envelope
│   ├── InvalidRequest           a field is wrong; `param` names it
│   │   ├── UnknownModel
│   │   ├── UnknownCursor
│   │   ├── AddressRefused       an address that we do not connect to
│   │   └── ConflictingKeys      two different keys in one request
│   ├── MissingKey, WrongKey     401
│   ├── NotFound                 404: absent, deleted or somebody else's, all alike
│   │   ├── ContentNotReady
│   │   ├── VariantNotAvailable
│   │   └── UnsupportedOperation
│   ├── AlreadyFinished          409: too late to cancel
│   ├── KeyInUse                 409: a call with the same Idempotency-Key is being answered
│   ├── KeyReused                422: the same Idempotency-Key with another body
│   ├── OverBudget               429: the account has spent what it may in a day
│   └── TooLarge                 413
├── ServerError                  ours: 5xx
│   ├── StoreUnavailable
│   └── DamagedRecord            a row is not what we write: somebody edited it by hand
├── WriteConflict                another writer was faster; read again and decide again
│   └── AlreadyAccepted          the call has made a job already
└── UpstreamError                what a provider did or did not answer; becomes the job's error
    ├── UpstreamUnreachable      nothing was sent: safe to try again
    ├── UpstreamBusy             it said "later", and did nothing
    ├── UpstreamRefused          it said no, for good
    ├── UpstreamSilent           sent, and the answer is not known
    ├── UpstreamConfused         it answered something that is not its protocol
    │   └── UnknownUpstreamStatus
    ├── UpstreamForgot           it does not know the job (any more)
    ├── ProviderNotConfigured    the deployment has no address or key for it
    ├── BadInputFile             a picture or film to work from cannot be had or is none
    ├── OutputInterrupted        an output broke off: worth another try
    └── BadOutput                an output is not what it should be
"""

from typing import ClassVar


class RushesError(Exception):
    """An error with a code for programs and a sentence for people.

    `retryable` says whether the same call may succeed later; whoever catches the error obeys it
    and does not decide anew.
    """

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    retry_after: ClassVar[int | None] = None
    """Seconds after which another try makes sense, where that can be told."""
    said: ClassVar[str] = "the service cannot answer at the moment"
    """What a client is told where the message is none of its business."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.error_code = code or self.code


class ClientError(RushesError):
    code = "invalid_request"
    http_status = 400


class InvalidRequest(ClientError):
    code = "invalid_value"


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


class NotFound(ClientError):
    code = "not_found"
    http_status = 404


class ContentNotReady(NotFound):
    code = "content_not_ready"


class VariantNotAvailable(NotFound):
    code = "variant_not_available"


class UnsupportedOperation(NotFound):
    code = "unsupported_operation"


class AlreadyFinished(ClientError):
    code = "already_finished"
    http_status = 409


class IdempotencyKeyInUse(ClientError):
    code = "idempotency_key_in_use"
    http_status = 409
    retryable = True
    retry_after: ClassVar[int | None] = 1


class IdempotencyKeyReused(ClientError):
    code = "idempotency_key_reused"
    http_status = 422


class BudgetExceeded(ClientError):
    code = "budget_exceeded"
    http_status = 429
    retry_after: ClassVar[int | None] = 3600


class TooLarge(ClientError):
    code = "request_too_large"
    http_status = 413


class ServerError(RushesError):
    pass


class AwsUnavailable(ServerError):
    code = "service_unavailable"
    http_status = 503
    retryable = True
    retry_after: ClassVar[int | None] = 2


class CorruptRecord(ServerError):
    code = "damaged_record"
    said: ClassVar[str] = "the record is damaged; only the service's operator can mend it"


class WriteConflict(RushesError):
    code = "write_conflict"
    http_status = 503
    retryable = True
    retry_after: ClassVar[int | None] = 1


class AlreadyAccepted(WriteConflict):
    pass


class UpstreamError(RushesError):
    """`wait_seconds` is what the provider asked for, None where it asked for nothing.

    `upstream_code` is its own word for what is wrong. `key_refused` where it is our key that it
    does not take, whatever was asked with it.
    """

    code = "upstream_error"
    http_status = 502

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        wait_seconds: float | None = None,
        upstream_code: str | None = None,
        key_refused: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.wait_seconds = wait_seconds
        self.upstream_code = upstream_code
        self.key_refused = key_refused


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"
    retryable = True


class UpstreamThrottled(UpstreamError):
    code = "upstream_busy"
    retryable = True


class UpstreamRefused(UpstreamError):
    code = "upstream_refused"


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
