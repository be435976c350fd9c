"""Corrections of Lambda: interpreter, environment, exceptions, processes and payload sizes."""
# ruff: noqa: ANN001, ANN202, SLF001 - patches replace private functions of untyped code

import io
import os
import tempfile
import threading
import zipfile
from pathlib import Path

from ministack.core import lambda_runtime as runtime
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from local.engine_source import replaced
from local.gateway_limits import ASYNC_INVOKE_BYTES, INVOKE_BYTES, RESULT_BYTES, json_size

RAISED = "__raised__"
UNPACKED = "unpacked"
"""Name of the file with the path of a layer's folder."""
stopping = threading.Event()


def enable() -> None:
    use_lambda_interpreter()
    set_runtime_variables()
    return_exceptions()
    unpack_layers_once()
    limit_workers()
    reserve_concurrency_for_all_versions()
    refuse_large_payloads()


def stop() -> None:
    """End the processes: running calls would block the shutdown, queued ones would start more."""
    stopping.set()
    runtime.reset()


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
        return outcome if json_size(body) <= RESULT_BYTES else result_too_large(outcome)
    raised = body[RAISED]
    trace = "".join(raised["stackTrace"])
    line = f"[ERROR] {raised['errorType']}: {raised['errorMessage']}\n{trace}"
    return {"body": raised, "error": True, "log": f"{outcome.get('log', '')}\n{line}"}


def result_too_large(outcome: dict) -> dict:
    """Replace a result above Lambda's limit by the error that its caller gets."""
    message = f"Response payload size exceeded maximum allowed payload size ({RESULT_BYTES} bytes)."
    error = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
    return {"body": error, "error": True, "log": f"{outcome.get('log', '')}\n[ERROR] {message}"}


def unpack_layers_once() -> None:
    """Unpack each version of a layer once, in place of once for each process.

    A process gets an archive with the folder's path in place of the layer's archive.
    """
    runtime._PYTHON_WORKER_SCRIPT = replaced(
        runtime._PYTHON_WORKER_SCRIPT,
        '        _py = os.path.join(_ld, "python")\n',
        f'        _link = os.path.join(_ld, "{UNPACKED}")\n'
        "        if os.path.isfile(_link):\n"
        "            with open(_link) as _file:\n"
        "                _ld = _file.read()\n"
        '        _py = os.path.join(_ld, "python")\n',
    )
    resolve = lambda_svc._resolve_layer_zip
    links: dict[bytes, bytes] = {}
    lock = threading.Lock()

    def resolve_to_link(reference) -> bytes | None:
        content = resolve(reference)
        with lock:
            if content and content not in links:
                links[content] = archive_of_link(unpack(content))
        return links[content] if content else content

    lambda_svc._resolve_layer_zip = resolve_to_link
    lambda_svc._layer_unzipped_size = lambda reference: lambda_svc._unzipped_size(
        resolve(reference)
    )


def unpack(content: bytes) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="layer-"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder


def archive_of_link(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(UNPACKED, str(folder))
    return content.getvalue()


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


def reserve_concurrency_for_all_versions() -> None:
    """Apply a function's reserved concurrency to its versions; ministack applies it to $LATEST."""
    reserved = lambda_svc._reserved_concurrency

    def reserved_of_function(function: dict, config: dict) -> int | None:
        latest = lambda_svc._functions.get(config.get("FunctionName"))
        return reserved(latest or function, config)

    lambda_svc._reserved_concurrency = reserved_of_function


def refuse_large_payloads() -> None:
    """Refuse Invoke above 6 MB, or 1 MB if asynchronous; ministack accepts any size."""
    invoke = lambda_svc._invoke

    async def invoke_within_limit(name: str, event, headers: dict, *rest: object, **more: object):
        kind = next((headers[key] for key in headers if key.lower() == "x-amz-invocation-type"), "")
        limit = ASYNC_INVOKE_BYTES if kind == "Event" else INVOKE_BYTES
        if json_size(event) > limit:
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            return error_response_json("RequestEntityTooLargeException", message, 413)
        return await invoke(name, event, headers, *rest, **more)

    lambda_svc._invoke = invoke_within_limit
