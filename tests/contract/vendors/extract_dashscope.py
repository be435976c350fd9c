"""Write published/dashscope.json: the requests that the package dashscope builds.

Run `python -m tests.contract.vendors.extract_dashscope [file]`.

The SDK sends each of its parameters to a local server, which records where it is in the request.
"""

import inspect
import json
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from dashscope import ImageSynthesis, VideoSynthesis
from typing_extensions import override

from tests.contract.vendors.published_files import write

PACKAGE = "dashscope"
VENDOR = Path(__file__).parents[3] / "layers/rushes/rushes/catalog/vendors/dashscope.toml"
CONTROL = {"model", "api_key", "workspace", "extra_input", "task", "kwargs", "return", "function"}
"""Parameters of the SDK that are not arguments of the model."""
HEADERS = frozenset({"x-dashscope-async", "x-dashscope-ossresourceresolve"})
"""Headers that a create call may need; the others identify the SDK."""
TEXT, NUMBER = "https://sentinel.example/1", 7
DECLARED = {str: TEXT, int: NUMBER, bool: True, Any: TEXT}
TYPES = {str: "string", int: "integer", bool: "boolean"}
JSON = dict[str, Any]


class _Recorder(BaseHTTPRequestHandler):
    calls: ClassVar[list[JSON]] = []

    def _record(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length) or b"null")
        headers = {
            name.lower(): value for name, value in self.headers.items() if name.lower() in HEADERS
        }
        self.calls.append(
            {"method": self.command, "path": self.path, "headers": headers, "body": body}
        )
        reply = json.dumps({"output": {"task_id": "1", "task_status": "PENDING"}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = _record  # noqa: N815 - names of the base class

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def recorder() -> Iterator[str]:
    """Yield the base address of a server that records requests."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1"
    finally:
        server.shutdown()
        server.server_close()


def sent(api: Any, address: str, model: str, **arguments: Any) -> JSON:
    api.async_call(model=model, api_key="key", base_address=address, **arguments)
    return _Recorder.calls[-1]


def parameters(api: Any) -> dict[str, Any]:
    """Return an example value of each argument that the SDK has a parameter for."""
    hints = get_type_hints(api.async_call)
    names = inspect.signature(api.async_call).parameters
    return {
        name: _example(name, hints.get(name, str))
        for name in names
        if name not in CONTROL and name != "prompt"
    }


def _example(name: str, hint: Any) -> Any:
    if name == "media":
        return [{"type": "first_frame", "url": TEXT}]
    text = str(hint)
    if "List" in text:
        return [TEXT]
    return next((DECLARED[kind] for kind in (bool, int) if kind.__name__ in text), TEXT)


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a body by their paths, with `*` for the entries of a list."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{pointer}/{name}")
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member, f"{pointer}/*")
    else:
        yield pointer, value


def places(api: Any, address: str, model: str) -> dict[str, str]:
    """Return the JSON type of each path of a body that a parameter of the SDK fills."""
    plain = sent(api, address, model, prompt=TEXT)["body"]
    found = {"/model": "string", "/input/prompt": "string"}
    for name, example in parameters(api).items():
        body = sent(api, address, model, prompt=TEXT, **{name: example})["body"]
        added = set(leaves(body)) - set(leaves(plain))
        found |= {pointer: TYPES[type(value)] for pointer, value in sorted(added)}
    return found


def paths(address: str) -> dict[str, str]:
    """Return the path that the SDK calls for each model of the catalog."""
    models = tomllib.loads(VENDOR.read_text())["models"]
    apis = {"video": VideoSynthesis, "image": ImageSynthesis}
    return {
        model["id"]: sent(apis[model.get("modality", "video")], address, model["id"], prompt=TEXT)[
            "path"
        ]
        for model in models
    }


def media_types() -> list[str]:
    names = vars(VideoSynthesis.MediaType).items()
    return sorted(value for name, value in names if name.isupper())


def main() -> None:
    with recorder() as address:
        create = sent(VideoSynthesis, address, "wan3.0-video", prompt=TEXT)
        document = {
            "package": PACKAGE,
            "version": version(PACKAGE),
            "headers": create["headers"],
            "paths": paths(address),
            "video": places(VideoSynthesis, address, "wan3.0-video"),
            "image": places(ImageSynthesis, address, "wan2.5-t2i-preview"),
            "media_types": media_types(),
        }
    write("dashscope", document)


if __name__ == "__main__":
    main()
