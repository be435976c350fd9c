"""Lines of the functions' log, and errors that leave a function."""

import json
import logging
from io import StringIO

import pytest
from aws_lambda_powertools import Logger
from typing_extensions import override

from rushes.logs import RedactedFormat, RedactingFormatter, function_logger, redact_errors
from rushes.redaction import MARK, REDACTOR

KEY = "sk-canary-0123456789"


class Unprintable:
    @override
    def __str__(self) -> str:
        return KEY


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    REDACTOR.remember(KEY)
    stream = StringIO()
    logger = Logger(service="test-logs", stream=stream, logger_formatter=RedactingFormatter())
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    logger.info("message %s", KEY, key=KEY, nested={"a": [KEY, Unprintable()]})
    logger.append_keys(appended=KEY)
    Logger(service="test-logs", child=True).warning("child %s", KEY)
    try:
        int(KEY)
    except ValueError:
        logger.exception("failed")
    return stream


def test_every_part_of_a_line_is_redacted(log: StringIO):
    text = log.getvalue()
    assert KEY not in text
    info, warning, error = (json.loads(line) for line in text.splitlines())
    assert (info["message"], info["key"]) == (f"message {MARK}", MARK)
    assert (warning["message"], warning["appended"]) == (f"child {MARK}", MARK)
    assert (error["exception_name"], error["message"]) == ("ValueError", "failed")
    assert f"base 10: '{MARK}'" in error["exception"]


def test_function_logger_redacts_the_handlers_of_other_libraries(monkeypatch: pytest.MonkeyPatch):
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    function_logger()
    wrapped = handler.formatter
    function_logger()
    assert handler.formatter is wrapped
    assert isinstance(wrapped, RedactedFormat)
    REDACTOR.remember(KEY)
    logging.getLogger("botocore").warning("header %s", {"x-api-key": KEY})
    assert stream.getvalue() == f"WARNING header {{'x-api-key': '{MARK}'}}\n"


def test_function_logger_is_the_parent_of_the_modules_loggers():
    names = [type(handler.formatter) for handler in function_logger().handlers]
    assert RedactingFormatter in names


def test_error_with_a_secret_keeps_its_name_only():
    REDACTOR.remember(KEY)

    @redact_errors
    def handler() -> None:
        raise KeyError(f"no {KEY}")

    with pytest.raises(Exception, match=f"no {MARK}") as raised:
        handler()
    assert raised.type.__name__ == "KeyError"
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_other_error_and_result_are_unchanged():
    error = ValueError("plain")

    @redact_errors
    def handler(result: str | None) -> str:
        if result is None:
            raise error
        return result

    assert handler("done") == "done"
    with pytest.raises(ValueError, match="plain") as raised:
        handler(None)
    assert raised.value is error
