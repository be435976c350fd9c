"""Names of the log events of the api package."""

AUTHENTICATION_FAILED = "authentication_failed"
JOB_NOT_STARTED = "job_not_started"
REQUEST_COMPLETED = "request_completed"
REQUEST_FAILED = "request_failed"
UNEXPECTED_ERROR = "unexpected_error"
