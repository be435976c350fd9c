"""Limits of API Gateway's HTTP APIs and of Lambda that the emulator lacks.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

BODY_BYTES = 10 * 1024 * 1024
HEADER_BYTES = 10_240
"""Of the request line and the values of all headers."""
TIMEOUT_SECONDS = 30
INVOKE_BYTES = 6_291_456
"""Of the event of a synchronous invocation, as JSON; a binary body is base64 in it."""
ASYNC_INVOKE_BYTES = 1024 * 1024
RESULT_BYTES = 6_291_556
"""Of a function's result, as JSON."""
VERSION = b"HTTP/1.1"


def json_size(value: object) -> int:
    """Return the bytes of a value as compact JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "surrogatepass"))


def head_size(scope: Mapping[str, Any]) -> int:
    """Return the size of an ASGI request's line and header values."""
    target: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    line = b" ".join([scope["method"].encode(), target + (b"?" + query if query else b""), VERSION])
    return len(line) + sum(len(value) for _, value in scope["headers"])


def split_cookies(value: str) -> list[str]:
    """Return the cookies of `Cookie` headers, which may be joined by commas."""
    return [cookie for part in re.split("[;,]", value) if (cookie := part.strip())]


class TokenBucket:
    """A stage's throttle: `rate` requests per second on average, and at most `burst` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self.limits = (rate, burst)
        self._clock = clock
        self._tokens, self._updated_at = burst, clock()

    def take(self) -> bool:
        """Return whether a request is admitted."""
        rate, burst = self.limits
        now = self._clock()
        self._tokens = min(burst, self._tokens + (now - self._updated_at) * rate)
        self._updated_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
