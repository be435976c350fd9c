"""Run ministack, the local AWS, with its differences from AWS that matter here corrected.

It runs in an environment of its own, configured by ministack's variables and by:
FRONT_PORT (the HTTP API's own port), LAMBDA_PYTHON (the interpreter of the functions),
LAMBDA_WORKERS (processes per function) and WORK_DIR (unpacked functions; emptied). What it keeps
over its own end, where it keeps anything, is told in local/engine_journal.py.
"""
# ruff: noqa: ANN001, ANN202, SLF001 - corrections replace private functions of untyped code

import asyncio
import contextvars
import json
import os
import shutil
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qs

PINNED = "1.5.33"
if version("ministack") != PINNED:
    sys.exit(
        f"local/engine.py corrects ministack {PINNED}, but {version('ministack')} is installed"
    )

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack import app as engine  # noqa: E402
from ministack.core import iam_actions  # noqa: E402
from ministack.core import iam_evaluator as iam  # noqa: E402
from ministack.core import lambda_runtime as runtime  # noqa: E402
from ministack.services import apigateway, lambda_svc, stepfunctions  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))  # after this the tree's own code can be imported
from local import engine_journal  # noqa: E402

ENGINE_PORT = int(os.environ["GATEWAY_PORT"])
FRONT_PORT = int(os.environ["FRONT_PORT"])
WORK_DIR = Path(os.environ["WORK_DIR"])


def replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        sys.exit(f"local/engine.py expected to find exactly once: {old}")
    return text.replace(old, new)


# --- Lambda ---------------------------------------------------------------------------------

RAISED = "__raised__"
stopping = threading.Event()


def use_the_lambda_interpreter() -> None:
    """The engine would run functions on its own Python and let them import its own packages."""
    detected = runtime._detect_runtime_binary

    def detect(name: str) -> tuple[str, str]:
        if name.startswith("python"):
            return os.environ["LAMBDA_PYTHON"], runtime._PYTHON_WORKER_SCRIPT
        return detected(name)

    runtime._detect_runtime_binary = detect


def set_the_runtime_variables() -> None:
    """Variables that AWS sets for every Python function and the engine does not."""
    runtime._PYTHON_WORKER_SCRIPT = replaced(
        runtime._PYTHON_WORKER_SCRIPT,
        "    os.environ.update(env)\n",
        "    os.environ.update(env)\n"
        "    os.environ.update(_HANDLER=module_name + '.' + handler_name, TZ=':UTC',"
        " AWS_EXECUTION_ENV='AWS_Lambda_python%d.%d' % sys.version_info[:2])\n"
        "    time.tzset()\n",
    )


def keep_the_exception() -> None:
    """The engine calls every exception Runtime.HandlerError and kills the process that raised it.

    On AWS the caller sees the exception's class name, and the environment lives on. The worker
    therefore reports an exception as a result under a name of its own, read again in `answer`.
    """
    runtime._PYTHON_WORKER_SCRIPT = replaced(
        runtime._PYTHON_WORKER_SCRIPT,
        '{"status": "error", "error": str(e), "trace": traceback.format_exc()}',
        f'{{"status": "ok", "result": {{"{RAISED}": {{'
        '"errorMessage": str(e), "errorType": type(e).__name__,'
        ' "requestId": context.aws_request_id,'
        ' "stackTrace": traceback.format_tb(e.__traceback__)[1:]}}}',
    )


def answer(outcome: dict) -> dict:
    body = outcome.get("body")
    if not isinstance(body, dict) or RAISED not in body:
        return outcome
    raised = body[RAISED]
    trace = "".join(raised["stackTrace"])
    line = f"[ERROR] {raised['errorType']}: {raised['errorMessage']}\n{trace}"
    return {"body": raised, "error": True, "log": f"{outcome.get('log', '')}\n{line}"}


def queue_for_a_few_workers() -> None:
    """The engine starts a process for each concurrent call, as AWS would.

    A burst of cold starts takes two cores for minutes; here the callers wait for a few processes.
    """
    execute = lambda_svc._execute_function_warm
    workers = int(os.environ.get("LAMBDA_WORKERS", "2"))
    slots: dict[str, threading.BoundedSemaphore] = {}
    lock = threading.Lock()

    def execute_in_a_slot(function: dict, event, request_id: str) -> dict:
        name = (function.get("config") or function)["FunctionArn"]
        with lock:
            slot = slots.setdefault(name, threading.BoundedSemaphore(workers))
        with slot:
            if stopping.is_set():
                return {"body": {"errorMessage": "The local stack stops"}, "error": True}
            return answer(execute(function, event, request_id))

    lambda_svc._execute_function_warm = execute_in_a_slot


# --- SQS ------------------------------------------------------------------------------------


def let_groups_pass_each_other() -> None:
    """The engine hands on one batch of a FIFO queue at a time, so that a slow group stops all.

    On AWS groups are independent. Where a batch is one message this is safe to have here, too: the
    queue gives no second message of a group whose first is still out.
    """
    allowed = lambda_svc._sqs_esm_concurrency

    def allowed_by_group(mapping: dict, function: dict, config: dict, queue: dict | None = None):
        one_by_one = mapping.get("BatchSize") == 1
        return allowed(mapping, function, config, None if one_by_one else queue)

    lambda_svc._sqs_esm_concurrency = allowed_by_group


def permit_batches_as_single_calls() -> None:
    """The engine wants a permission sqs:SendMessageBatch; AWS knows only that of a single call."""
    extract = iam_actions.extract_iam_action

    def extract_iam_action(service, method, path, headers, body, query_params) -> str | None:
        action = extract(service, method, path, headers, body, query_params)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract_iam_action


# --- Step Functions -------------------------------------------------------------------------

role_of_the_execution = contextvars.ContextVar("role_of_the_execution", default="")


def enforce_the_state_machine_role() -> None:
    """The engine checks what functions may do, but lets a state machine do anything."""
    run, invoke = stepfunctions._run_execution, stepfunctions._invoke_resource

    def run_execution(arn: str) -> None:
        execution = stepfunctions._executions.get(arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        role_of_the_execution.set(machine.get("roleArn", ""))
        run(arn)

    def invoke_resource(resource: str, parameters):
        if engine.AUTH:
            for action, target in permissions_needed(resource, parameters):
                permit(role_of_the_execution.get(), action, target)
        return invoke(resource, parameters)

    stepfunctions._run_execution = run_execution
    stepfunctions._invoke_resource = invoke_resource


def permissions_needed(resource: str, parameters) -> list[tuple[str, str]]:
    prefix = f"{stepfunctions.get_region()}:{stepfunctions.get_account_id()}"
    if resource.startswith("arn:aws:lambda:"):
        return [("lambda:InvokeFunction", resource)]
    if resource.endswith(":states:::lambda:invoke"):
        name = parameters["FunctionName"]
        arn = name if name.startswith("arn:") else f"arn:aws:lambda:{prefix}:function:{name}"
        return [("lambda:InvokeFunction", arn)]
    if resource.endswith(":states:::events:putEvents"):
        buses = [entry.get("EventBusName") or "default" for entry in parameters["Entries"]]
        return [
            ("events:PutEvents", bus if ":" in bus else f"arn:aws:events:{prefix}:event-bus/{bus}")
            for bus in buses
        ]
    return []


def permit(role: str, action: str, resource: str) -> None:
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/states"
    context = iam.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=stepfunctions.get_region(),
    )
    if iam.evaluate(context, iam._gather_role_policies(name, account)).decision == "Allow":
        return
    error = "Lambda.AWSLambdaException" if "lambda" in action else "EventBridge.AccessDenied"
    cause = f"User: {principal} is not authorized to perform: {action} on resource: {resource}"
    raise stepfunctions._ExecutionError(error, cause)


# --- HTTP API -------------------------------------------------------------------------------

BODY_LIMIT = 10 * 1024 * 1024
TIMEOUT_SECONDS = 30
Response = tuple[int, dict[str, str], bytes]


def message(status: int, text: str) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": text}).encode()


def hide_function_errors() -> None:
    """The engine answers 502 with the error of a failed function; AWS keeps that to itself."""
    convert = lambda_svc.lambda_execute_result_to_api_proxy_response

    def to_response(outcome: dict) -> tuple[dict | None, str | None]:
        if outcome.get("error") and not outcome.get("throttle"):
            status, headers, body = message(500, "Internal Server Error")
            return {"statusCode": status, "headers": headers, "body": body.decode()}, None
        return convert(outcome)

    lambda_svc.lambda_execute_result_to_api_proxy_response = to_response


async def front_door(scope: dict, receive, send) -> None:
    """The HTTP API at the root of its own port, as on AWS; nothing else answers there."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    try:
        body = await read_body(receive)
    except ConnectionAbortedError:
        return
    if body is None:
        response = message(413, "Request Entity Too Large")
    else:
        response = await call_the_api(scope, body)
    await engine._send_response(send, *response)


async def read_body(receive) -> bytes | None:
    """The whole body, or None if API Gateway would refuse it.

    The rest of a large body is read all the same: a client that is still sending misses the answer.
    """
    body, size, more = bytearray(), 0, True
    while more:
        part = await receive()
        if part["type"] == "http.disconnect":
            raise ConnectionAbortedError
        size += len(part.get("body", b""))
        if size <= BODY_LIMIT:
            body += part.get("body", b"")
        more = part.get("more_body", False)
    return bytes(body) if size <= BODY_LIMIT else None


async def call_the_api(scope: dict, body: bytes) -> Response:
    api_id = next((key[-1] for key, _ in apigateway._apis.all_items()), None)
    if api_id is None:
        return message(503, "Service Unavailable")
    query = scope["query_string"].decode("latin-1")
    call = asyncio.ensure_future(
        apigateway.handle_execute(
            api_id,
            "$default",
            apigateway.decode_http_api_path(scope["raw_path"].decode("latin-1")),
            scope["method"],
            joined(scope["headers"]),
            body,
            parse_qs(query, keep_blank_values=True),
            raw_query_string=query,
        )
    )
    done, _ = await asyncio.wait({call}, timeout=TIMEOUT_SECONDS)
    # As on AWS, the function itself runs on to its own timeout.
    return call.result() if done else message(503, "Service Unavailable")


def joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return {name: ",".join(several) for name, several in values.items()}


# --- Running --------------------------------------------------------------------------------


async def by_port(scope: dict, receive, send) -> None:
    # The port of the listening socket, not of the Host header: a client cannot choose it.
    port = (scope.get("server") or [None, ENGINE_PORT])[1]
    if port == FRONT_PORT:
        await front_door(scope, receive, send)
    elif scope.get("path") == engine_journal.SAVE_PATH:
        await engine_journal.answer_to_save(send)
    else:
        await engine.app(scope, receive, send)


async def run() -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{ENGINE_PORT}", f"127.0.0.1:{FRONT_PORT}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    await serve(by_port, config)
    # Their callers would keep the event loop from closing, and the queued would start others.
    stopping.set()
    runtime.reset()


def prepare() -> None:
    shutil.rmtree(WORK_DIR, ignore_errors=True)
    WORK_DIR.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(WORK_DIR)
    os.environ["IOT_MTLS_ENABLED"] = "0"  # else it listens on port 8883 of every interface
    os.environ.pop("LOG_LEVEL", None)  # the engine's; the functions' own loggers would obey it
    use_the_lambda_interpreter()
    set_the_runtime_variables()
    keep_the_exception()
    queue_for_a_few_workers()
    let_groups_pass_each_other()
    permit_batches_as_single_calls()
    engine_journal.keep_what_was_answered()
    enforce_the_state_machine_role()
    hide_function_errors()


def main() -> None:
    prepare()
    try:
        asyncio.run(run())
    finally:
        shutil.rmtree(WORK_DIR, ignore_errors=True)


if __name__ == "__main__":
    main()
