"""Run the AWS emulator ministack with patches for its relevant differences from AWS.

It runs in its own Python environment. ministack's variables configure it, and FRONT_PORT (the HTTP
API's port), LAMBDA_PYTHON (the functions' interpreter), LAMBDA_WORKERS (processes per function) and
WORK_DIR (unpacked functions; emptied). local/engine_journal.py persists its state.
"""
# ruff: noqa: ANN001, ANN202, SLF001 - patches replace private functions of untyped code

import asyncio
import contextvars
import inspect
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qs

PINNED = "1.5.33"
if version("ministack") != PINNED:
    sys.exit(f"local/engine.py patches ministack {PINNED}, but {version('ministack')} is installed")

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack import app as engine  # noqa: E402
from ministack.core import iam_actions  # noqa: E402
from ministack.core import iam_evaluator as iam  # noqa: E402
from ministack.core import lambda_runtime as runtime  # noqa: E402
from ministack.services import apigateway, lambda_svc, stepfunctions  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))  # the import below needs it
from local import engine_journal  # noqa: E402
from sandbox.request_origin import RefuseForeignPages, joined_headers, send_refusal  # noqa: E402

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


def use_lambda_interpreter() -> None:
    """Run functions on LAMBDA_PYTHON; ministack uses its own interpreter and packages."""
    detected = runtime._detect_runtime_binary

    def detect(name: str) -> tuple[str, str]:
        if name.startswith("python"):
            return os.environ["LAMBDA_PYTHON"], runtime._PYTHON_WORKER_SCRIPT
        return detected(name)

    runtime._detect_runtime_binary = detect


def set_runtime_variables() -> None:
    """Set the variables that AWS sets for every Python function and ministack does not."""
    runtime._PYTHON_WORKER_SCRIPT = replaced(
        runtime._PYTHON_WORKER_SCRIPT,
        "    os.environ.update(env)\n",
        "    os.environ.update(env)\n"
        "    os.environ.update(_HANDLER=module_name + '.' + handler_name, TZ=':UTC',"
        " AWS_EXECUTION_ENV='AWS_Lambda_python%d.%d' % sys.version_info[:2])\n"
        "    time.tzset()\n",
    )


def return_exceptions() -> None:
    """Return the exception's class name to the caller and keep the process, as AWS does.

    ministack names every exception Runtime.HandlerError and kills the process. The patched worker
    reports an exception as a result with the member RAISED, which `to_outcome` converts back.
    """
    runtime._PYTHON_WORKER_SCRIPT = replaced(
        runtime._PYTHON_WORKER_SCRIPT,
        '{"status": "error", "error": str(e), "trace": traceback.format_exc()}',
        f'{{"status": "ok", "result": {{"{RAISED}": {{'
        '"errorMessage": str(e), "errorType": type(e).__name__,'
        ' "requestId": context.aws_request_id,'
        ' "stackTrace": traceback.format_tb(e.__traceback__)[1:]}}}',
    )


def to_outcome(outcome: dict) -> dict:
    body = outcome.get("body")
    if not isinstance(body, dict) or RAISED not in body:
        return outcome
    raised = body[RAISED]
    trace = "".join(raised["stackTrace"])
    line = f"[ERROR] {raised['errorType']}: {raised['errorMessage']}\n{trace}"
    return {"body": raised, "error": True, "log": f"{outcome.get('log', '')}\n{line}"}


def limit_workers() -> None:
    """Limit the processes per function; further calls wait.

    ministack starts one per concurrent call, as AWS does: cold starts would occupy two cores for
    minutes.
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
                return {"body": {"errorMessage": "The local stack is stopping"}, "error": True}
            return to_outcome(execute(function, event, request_id))

    lambda_svc._execute_function_warm = execute_in_a_slot


# --- SQS ------------------------------------------------------------------------------------


def process_groups_independently() -> None:
    """Process the message groups of a FIFO queue independently, as AWS does.

    ministack processes one batch of a FIFO queue at a time. With a batch size of one, concurrency
    is safe: the queue returns no second message of a group while the first is in flight.
    """
    allowed = lambda_svc._sqs_esm_concurrency

    def allowed_by_group(mapping: dict, function: dict, config: dict, queue: dict | None = None):
        one_by_one = mapping.get("BatchSize") == 1
        return allowed(mapping, function, config, None if one_by_one else queue)

    lambda_svc._sqs_esm_concurrency = allowed_by_group


def check_batches_as_single_calls() -> None:
    """Check sqs:SendMessage for batches; ministack checks sqs:SendMessageBatch, unknown to AWS."""
    extract = iam_actions.extract_iam_action

    def extract_iam_action(service, method, path, headers, body, query_params) -> str | None:
        action = extract(service, method, path, headers, body, query_params)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract_iam_action


# --- Step Functions -------------------------------------------------------------------------

execution_role = contextvars.ContextVar("execution_role", default="")


def enforce_state_machine_role() -> None:
    """Check the state machine's role; ministack checks only the functions' roles."""
    run, invoke = stepfunctions._run_execution, stepfunctions._invoke_resource

    def run_execution(arn: str) -> None:
        execution = stepfunctions._executions.get(arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        execution_role.set(machine.get("roleArn", ""))
        run(arn)

    def invoke_resource(resource: str, parameters):
        if engine.AUTH:
            for action, target in required_permissions(resource, parameters):
                check_permission(execution_role.get(), action, target)
        return invoke(resource, parameters)

    stepfunctions._run_execution = run_execution
    stepfunctions._invoke_resource = invoke_resource


def required_permissions(resource: str, parameters) -> list[tuple[str, str]]:
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


def check_permission(role: str, action: str, resource: str) -> None:
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


def error_response(status: int, text: str) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": text}).encode()


def hide_function_errors() -> None:
    """Return 500 without details for a failed function, as AWS does; ministack adds its error."""
    convert = lambda_svc.lambda_execute_result_to_api_proxy_response

    def to_response(outcome: dict) -> tuple[dict | None, str | None]:
        if outcome.get("error") and not outcome.get("throttle"):
            status, headers, body = error_response(500, "Internal Server Error")
            return {"statusCode": status, "headers": headers, "body": body.decode()}, None
        return convert(outcome)

    lambda_svc.lambda_execute_result_to_api_proxy_response = to_response


def read_cors_of_templates() -> None:
    """Read the names of a template's CorsConfiguration; ministack knows those of the API only."""
    for name in ("_cors_response_headers", "_cors_preflight_response"):
        setattr(apigateway, name, with_names_of_api(getattr(apigateway, name)))


def route_preflight_without_cors() -> None:
    """Route OPTIONS as any method if the API has no CorsConfiguration; ministack answers 403."""
    source = inspect.getsource(apigateway._handle_execute_in_scope)
    source = replaced(source, 'if method == "OPTIONS":', 'if method == "OPTIONS" and cors_cfg:')
    exec(compile(source, apigateway.__file__, "exec"), vars(apigateway))  # noqa: S102 - the engine's own code


def with_names_of_api(answer: Callable) -> Callable:
    def to_answer(cors: dict, origin: str) -> object:
        return answer({key[0].lower() + key[1:]: value for key, value in cors.items()}, origin)

    return to_answer


async def serve_http_api(scope: dict, receive, send) -> None:
    """Serve only the HTTP API, at the root of its own port."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    try:
        body = await read_body(receive)
    except ConnectionAbortedError:
        return
    if body is None:
        response = error_response(413, "Request Entity Too Large")
    else:
        response = await invoke_http_api(scope, body)
    await engine._send_response(send, *response)


async def read_body(receive) -> bytes | None:
    """Return the body, or None above API Gateway's limit.

    A larger body is read to its end: a client that is still sending would miss the response.
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


async def invoke_http_api(scope: dict, body: bytes) -> Response:
    api_id = next((key[-1] for key, _ in apigateway._apis.all_items()), None)
    if api_id is None:
        return error_response(503, "Service Unavailable")
    query = scope["query_string"].decode("latin-1")
    call = asyncio.ensure_future(
        apigateway.handle_execute(
            api_id,
            "$default",
            apigateway.decode_http_api_path(scope["raw_path"].decode("latin-1")),
            scope["method"],
            joined_headers(scope["headers"]),
            body,
            parse_qs(query, keep_blank_values=True),
            raw_query_string=query,
        )
    )
    done, _ = await asyncio.wait({call}, timeout=TIMEOUT_SECONDS)
    # As on AWS, the function continues until its own timeout.
    return call.result() if done else error_response(503, "Service Unavailable")


# --- S3 -------------------------------------------------------------------------------------

TWO_CREDENTIALS = (
    b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed; only the "
    b"X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization "
    b"header should be specified</Message></Error>"
)


def has_two_credentials(scope: dict) -> bool:
    """Whether a presigned request has an Authorization header, too; ministack ignores the header.

    Clients that keep the header after a redirect to another host send such requests.
    """
    signed = b"X-Amz-Signature=" in scope.get("query_string", b"")
    return signed and any(name.lower() == b"authorization" for name, _ in scope["headers"])


# --- Administrative paths -------------------------------------------------------------------

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


# --- Running --------------------------------------------------------------------------------


async def dispatch_by_port(scope: dict, receive, send) -> None:
    # The socket's port, not the Host header's, which a client controls.
    port = (scope.get("server") or [None, ENGINE_PORT])[1]
    if port == FRONT_PORT:
        await serve_http_api(scope, receive, send)
    elif scope.get("path", "").startswith(ADMIN_PREFIX):
        await serve_admin_path(scope, receive, send)
    elif scope["type"] == "http" and has_two_credentials(scope):
        xml = {"Content-Type": "application/xml"}
        await engine._send_response(send, 400, xml, TWO_CREDENTIALS)
    else:
        await engine.app(scope, receive, send)


async def run() -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{ENGINE_PORT}", f"127.0.0.1:{FRONT_PORT}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    await serve(RefuseForeignPages(dispatch_by_port), config)
    # Running calls would block the event loop's shutdown, and queued ones would start processes.
    stopping.set()
    runtime.reset()


def prepare() -> None:
    shutil.rmtree(WORK_DIR, ignore_errors=True)
    WORK_DIR.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(WORK_DIR)
    os.environ["IOT_MTLS_ENABLED"] = "0"  # otherwise it listens on port 8883 of every interface
    os.environ.pop("LOG_LEVEL", None)  # the functions' loggers would use it, too
    use_lambda_interpreter()
    set_runtime_variables()
    return_exceptions()
    limit_workers()
    process_groups_independently()
    check_batches_as_single_calls()
    engine_journal.enable()
    enforce_state_machine_role()
    hide_function_errors()
    read_cors_of_templates()
    route_preflight_without_cors()


def main() -> None:
    prepare()
    try:
        asyncio.run(run())
    finally:
        shutil.rmtree(WORK_DIR, ignore_errors=True)


if __name__ == "__main__":
    main()
