"""Run the AWS emulator ministack with corrections of its relevant differences from AWS.

It runs in its own Python environment. ministack's variables configure it, and FRONT_PORT (the HTTP
API's port), LAMBDA_PYTHON (the functions' interpreter), LAMBDA_WORKERS (processes per function) and
WORK_DIR (unpacked functions; emptied). The modules `engine_…` have the corrections by service;
local/engine_journal.py persists the state.
"""
# ruff: noqa: ANN001, SLF001 - private functions of untyped code

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the imports below need it
from local.engine_source import check_version

check_version()

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack import app as engine  # noqa: E402

from local import (  # noqa: E402
    engine_http_api,
    engine_journal,
    engine_lambda,
    engine_leading_keys,
    engine_s3,
    engine_sqs,
    engine_states,
    engine_templates,
)
from sandbox.request_origin import RefuseForeignPages, send_refusal  # noqa: E402

ENGINE_PORT = int(os.environ["GATEWAY_PORT"])
FRONT_PORT = int(os.environ["FRONT_PORT"])
WORK_DIR = Path(os.environ["WORK_DIR"])

ADMIN_PREFIX = "/_"
"""Paths of the emulator itself, such as its reset. They check no credentials."""
HEALTH_PATH = "/_ministack/health"


async def serve_admin_path(scope: dict, receive, send) -> None:
    """Serve the two administrative operations that the local stack uses, and refuse all others."""
    operation = (scope.get("method"), scope["path"])
    if operation == ("POST", engine_journal.SAVE_PATH):
        await engine_journal.serve_save(send)
    elif operation == ("GET", HEALTH_PATH):
        await engine.app(scope, receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close"})
    else:
        await send_refusal(send, f"{scope['path'][:80]} is not available in the local stack")


async def dispatch_by_port(scope: dict, receive, send) -> None:
    # The socket's port, not the Host header's, which a client controls.
    port = (scope.get("server") or [None, ENGINE_PORT])[1]
    if port == FRONT_PORT:
        await engine_http_api.serve(scope, receive, send)
    elif scope.get("path", "").startswith(ADMIN_PREFIX):
        await serve_admin_path(scope, receive, send)
    elif scope["type"] == "http" and engine_s3.has_two_credentials(scope):
        xml = {"Content-Type": "application/xml"}
        await engine._send_response(send, 400, xml, engine_s3.TWO_CREDENTIALS)
    else:
        await engine.app(scope, receive, send)


async def run() -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{ENGINE_PORT}", f"127.0.0.1:{FRONT_PORT}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    await serve(RefuseForeignPages(dispatch_by_port), config)
    engine_lambda.stop()


def prepare() -> None:
    shutil.rmtree(WORK_DIR, ignore_errors=True)
    WORK_DIR.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(WORK_DIR)
    os.environ["IOT_MTLS_ENABLED"] = "0"  # otherwise it listens on port 8883 of every interface
    os.environ.pop("LOG_LEVEL", None)  # the functions' loggers would use it, too
    engine_lambda.enable()
    engine_sqs.enable()
    engine_journal.enable()
    engine_leading_keys.enable()
    engine_states.enable()
    engine_templates.enable()
    engine_http_api.enable()


def main() -> None:
    prepare()
    try:
        asyncio.run(run())
    finally:
        shutil.rmtree(WORK_DIR, ignore_errors=True)


if __name__ == "__main__":
    main()
