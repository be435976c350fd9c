"""Persist the emulator's acknowledged writes, so that they survive a kill.

ministack saves its state only on an orderly stop; on AWS an acknowledged write is durable. Each
accepted write to a table, queue or bus is appended to a journal before its response is sent. A
start repeats the writes since the last save. S3 objects are files and need no journal.

The journal omits messages taken from queues, which may arrive twice as on AWS, and executions. An
interrupted execution has failed after the restart and emits its status event, as on AWS.
"""
# ruff: noqa: ANN001, SLF001 - patches replace private functions of untyped code

import functools
import json
import os
import socket
import threading
import time
from pathlib import Path

from ministack import app as engine
from ministack.core.persistence import PERSIST_STATE, STATE_DIR
from ministack.services import stepfunctions

SAVE_PATH = "/_local/save"
JOURNALED = {
    "dynamodb": ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    "sqs": ("SendMessage", "SendMessageBatch"),
    "events": ("PutEvents",),
}
"""Writes of each service that are repeated after a restart."""
INVOKE_FUNCTIONS = ("sqs", "events")
"""Their writes start functions that call the engine, so they wait until it listens."""
COPY_ATTEMPTS, PAUSE_SECONDS = 50, 0.01

journal = Path(STATE_DIR) / "journal.jsonl"
unrepeated: list[dict] = []
"""Writes of the journal that wait until the engine listens."""


def enable() -> None:
    if not PERSIST_STATE:
        return
    for service in JOURNALED:
        engine.SERVICE_HANDLERS[service] = _journaled(service, engine.SERVICE_HANDLERS[service])
    save_all, load = engine.save_all, engine._load_persisted_state
    build = engine._build_persistence_save_dict

    def save_and_start_new_journal(services: dict) -> None:
        save_all(services)
        journal.unlink(missing_ok=True)
        for write in unrepeated:
            _append(json.dumps(write))

    def load_and_repeat_writes() -> None:
        load()
        executions = stepfunctions._executions.all_values()
        interrupted = [execution for execution in executions if _is_unreported(execution)]
        writes = _read_journal()
        _repeat([write for write in writes if write["service"] not in INVOKE_FUNCTIONS])
        unrepeated[:] = [write for write in writes if write["service"] in INVOKE_FUNCTIONS]
        repeat = functools.partial(_repeat_and_emit_when_listening, interrupted)
        threading.Thread(target=repeat, daemon=True).start()

    engine._build_persistence_save_dict = lambda: _with_retries(build())
    engine.save_all = save_and_start_new_journal
    engine._load_persisted_state = load_and_repeat_writes


def save() -> None:
    engine.save_all(engine._build_persistence_save_dict())


def _with_retries(states: dict) -> dict:
    """Retry copying a service's state; ministack omits a service whose state changes meanwhile."""

    def copy(get_state):  # noqa: ANN202
        for _ in range(COPY_ATTEMPTS - 1):
            try:
                return get_state()
            except RuntimeError:
                time.sleep(PAUSE_SECONDS)
        return get_state()

    return {name: functools.partial(copy, get_state) for name, get_state in states.items()}


def _journaled(service: str, handle):  # noqa: ANN202
    """Wrap a service's handler: append an accepted write to the journal before the response."""

    async def handle_and_append(method, path, headers, body, query_params) -> tuple:
        response = await handle(method, path, headers, body, query_params)
        target = headers.get("x-amz-target", "")
        if response[0] == 200 and target.rpartition(".")[2] in JOURNALED[service]:
            write = {"service": service, "path": path, "target": target, "body": body.decode()}
            _append(json.dumps(write))
        return response

    handle_and_append.unwrapped = handle
    return handle_and_append


def _append(line: str) -> None:
    """Write the line by one system call: a kill can leave only an incomplete last line."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


def _read_journal() -> list[dict]:
    lines = journal.read_text().splitlines(keepends=True) if journal.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _repeat(writes: list[dict]) -> None:
    for write in writes:
        handle = engine.SERVICE_HANDLERS[write["service"]].unwrapped
        headers = {"x-amz-target": write["target"]}
        _run(handle("POST", write["path"], headers, write["body"].encode(), {}))


def _run(coroutine) -> None:
    """Run a handler without an event loop; these handlers never suspend."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("an engine handler suspends, which this version must not do")


def _is_unreported(execution: dict) -> bool:
    interrupted = execution.get("error") == "States.ServiceRestart"
    return interrupted and not execution.get("status_event_emitted")


def _repeat_and_emit_when_listening(executions: list[dict]) -> None:
    while not _is_listening():
        time.sleep(PAUSE_SECONDS)
    _repeat(unrepeated)
    unrepeated.clear()
    for execution in executions:
        execution["status_event_emitted"] = True
        stepfunctions._emit_execution_status_event(execution)


def _is_listening() -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", int(os.environ["GATEWAY_PORT"]))) == 0


async def serve_save(send) -> None:
    """Handle `POST /_local/save`: from here on the deployment survives a kill."""
    save()
    await engine._send_response(send, 200, {}, b"saved\n")
