"""The api function on in-memory adapters behind a local HTTP server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from typing_extensions import override

from tests.openapi.application import application
from tests.openapi.native_services import running_apis


class QuietHandler(WSGIRequestHandler):
    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


@dataclass(frozen=True)
class LocalApi:
    url: str
    key: str
    finished_job: str


@contextmanager
def served_api() -> Iterator[LocalApi]:
    with running_apis() as apis:
        server = make_server("127.0.0.1", 0, application, handler_class=QuietHandler)
        Thread(target=server.serve_forever, daemon=True).start()
        caller = apis.api.caller
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            yield LocalApi(url, caller.key, caller.finished_job)
        finally:
            server.shutdown()
            server.server_close()
