"""Logging of the functions: JSON lines by Powertools, all of them redacted.

Child loggers use the function's handler. Other libraries' loggers, such as botocore's, use the root
logger's handler, which the Lambda runtime installs; the runtime itself prints an uncaught error.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from typing_extensions import override

from rushes.redaction import REDACTOR

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class RedactingFormatter(LambdaPowertoolsFormatter):
    """Redacts the whole line: message, keys, exception and stack trace."""

    @override
    def serialize(self, log: Any) -> str:
        return REDACTOR.redact_log(super().serialize(log))


class RedactedFormat(logging.Formatter):
    """Redacts what another formatter returns."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    @override
    def format(self, record: logging.LogRecord) -> str:
        return REDACTOR.redact_log(self._inner.format(record))


def function_logger() -> Logger:
    """Return the logger of a function, which all modules' child loggers use."""
    for handler in logging.getLogger().handlers:
        if not isinstance(handler.formatter, RedactedFormat):
            handler.setFormatter(RedactedFormat(handler.formatter or logging.Formatter()))
    return Logger(service="rushes", logger_formatter=RedactingFormatter())


def redact_errors(handler: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Replace an error that quotes a secret by one of the same name without it.

    The Lambda runtime prints the error's name and text, and Step Functions stores them.
    """

    @wraps(handler)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            text = str(error)
            redacted = REDACTOR.redact_log(text)
            if redacted == text:
                raise
            replacement: type[Exception] = type(type(error).__name__, (Exception,), {})
            raise replacement(redacted).with_traceback(error.__traceback__) from None

    return wrapped
