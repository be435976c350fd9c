"""Names of the log events of the api package."""

AUTHENTICATION_FAILED = "authentication_failed"
BUDGET_NOT_REPORTED = "budget_not_reported"
BUDGET_THRESHOLD_REACHED = "budget_threshold_reached"
JOB_NOT_STARTED = "job_not_started"
REQUEST_COMPLETED = "request_completed"
REQUEST_FAILED = "request_failed"
UNEXPECTED_ERROR = "unexpected_error"
