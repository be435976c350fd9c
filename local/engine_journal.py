"""What the local engine's restarts leave standing, where it is told to keep its state at all.

ministack writes its state when it is stopped in order, and only then. On AWS an answered write is
there for good, whatever dies. So each accepted write to a table, a queue or a bus is also noted in
a journal before its answer goes out, and a start makes good what no save has seen. Objects need
none of this: they are files from the start.

Not noted: what is taken out of queues, and executions. Messages may so come twice, as on AWS, and
an execution that was running has failed, of which its status event tells as on AWS.
"""
# ruff: noqa: ANN001, SLF001 - corrections replace private functions of untyped code

import functools
import json
import os
import threading
import time
from pathlib import Path

from ministack import app as engine
from ministack.core.persistence import PERSIST_STATE, STATE_DIR
from ministack.services import stepfunctions

SAVE_PATH = "/_local/save"
NOTED = {
    "dynamodb": ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    "sqs": ("SendMessage", "SendMessageBatch"),
    "events": ("PutEvents",),
}
"""The writes of each service that outlive the engine."""
TO_CONSUMERS = ("sqs", "events")
"""They wake functions, which call the engine: they wait until it listens."""
LISTENING_SECONDS = 1.0
ATTEMPTS, PAUSE_SECONDS = 50, 0.01
"""At copying the state of a service."""

journal = Path(STATE_DIR) / "journal.jsonl"


def keep_what_was_answered() -> None:
    if not PERSIST_STATE:
        return
    for service in NOTED:
        engine.SERVICE_HANDLERS[service] = _noting(service, engine.SERVICE_HANDLERS[service])
    save_all, load = engine.save_all, engine._load_persisted_state
    build = engine._build_persistence_save_dict

    def save_and_begin_a_new_journal(services: dict) -> None:
        save_all(services)
        journal.unlink(missing_ok=True)

    def load_and_make_good() -> None:
        load()
        broken_off = [it for it in stepfunctions._executions.all_values() if _broke_off(it)]
        writes = _read_journal()
        _repeat([it for it in writes if it["service"] not in TO_CONSUMERS])
        later = [it for it in writes if it["service"] in TO_CONSUMERS]
        threading.Timer(LISTENING_SECONDS, _tell, (later, broken_off)).start()

    engine._build_persistence_save_dict = lambda: _patient(build())
    engine.save_all = save_and_begin_a_new_journal
    engine._load_persisted_state = load_and_make_good


def save() -> None:
    engine.save_all(engine._build_persistence_save_dict())


def _patient(states: dict) -> dict:
    """A service is left out by ministack where its state changes while it is copied."""

    def patiently(get_state):  # noqa: ANN202
        for _ in range(ATTEMPTS - 1):
            try:
                return get_state()
            except RuntimeError:
                time.sleep(PAUSE_SECONDS)
        return get_state()

    return {name: functools.partial(patiently, get_state) for name, get_state in states.items()}


def _noting(service: str, handle):  # noqa: ANN202
    """The handler, which notes a write before its answer goes out."""

    async def handle_and_note(method, path, headers, body, query_params) -> tuple:
        answer = await handle(method, path, headers, body, query_params)
        target = headers.get("x-amz-target", "")
        if answer[0] == 200 and target.rpartition(".")[2] in NOTED[service]:
            write = {"service": service, "path": path, "target": target, "body": body.decode()}
            _note(json.dumps(write))
        return answer

    handle_and_note.unnoted = handle
    return handle_and_note


def _note(line: str) -> None:
    """One call of the system for one line: a killed engine leaves half a line at most."""
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
        handle = engine.SERVICE_HANDLERS[write["service"]].unnoted
        headers = {"x-amz-target": write["target"]}
        _finish(handle("POST", write["path"], headers, write["body"].encode(), {}))


def _finish(call) -> None:
    """These handlers never wait for anything, so that no event loop is needed."""
    try:
        call.send(None)
    except StopIteration:
        return
    raise RuntimeError("a handler of the engine waits, which it did not when this was written")


def _broke_off(execution: dict) -> bool:
    return execution.get("error") == "States.ServiceRestart" and not execution.get("told")


def _tell(writes: list[dict], executions: list[dict]) -> None:
    _repeat(writes)
    for execution in executions:
        execution["told"] = True
        stepfunctions._emit_execution_status_event(execution)


async def answer_to_save(send) -> None:
    """`POST /_local/save`: a deployment is kept from here on, however the engine ends."""
    save()
    await engine._send_response(send, 200, {}, b"saved\n")
