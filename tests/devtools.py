"""Control headless Chromium by the DevTools protocol over a pipe: load a page, and question it."""

import base64
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser import FLAGS, STOP_SECONDS, installed

READ_BYTES = 1 << 20
MAX_SECONDS = 120.0
PAUSE_SECONDS = 0.2


class Page:
    """A page of a browser. `requests` are the URLs that it has asked for."""

    def __init__(self, commands: int, messages: int) -> None:
        self.requests: list[str] = []
        self._commands, self._messages, self._number, self._buffer = commands, messages, 0, b""
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        attached = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str | None = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._send(f"{domain}.enable")

    _session: str | None = None

    def open(self, url: str) -> None:
        self._send("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        result = self._send("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        deadline = time.monotonic() + MAX_SECONDS
        while not self.value(expression):
            assert time.monotonic() < deadline, (expression, self.value("document.body.innerText"))
            time.sleep(PAUSE_SECONDS)

    def save_picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self._send("Page.captureScreenshot")["data"]))

    def _send(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("method") == "Network.requestWillBeSent":
                self.requests.append(answer["params"]["request"]["url"])
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            content = os.read(self._messages, READ_BYTES)
            assert content, "the browser has ended"
            self._buffer += content
        message, _, self._buffer = self._buffer.partition(b"\0")
        read: dict[str, Any] = json.loads(message)
        return read


@contextmanager
def controlled_page(width: int = 1400, height: int = 1000) -> Iterator[Page]:
    """Start a browser with an empty profile, which ends with the block."""
    folder = installed()
    command_end, commands = os.pipe()
    messages, message_end = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = [
            *(str(folder / "chromium"), *FLAGS, f"--user-data-dir={profile}"),
            *("--remote-debugging-pipe", f"--window-size={width},{height}"),
        ]
        # The browser reads commands from descriptor 3 and writes messages to 4.
        script = f'exec "$@" 3<&{command_end} 4>&{message_end}'
        browser = subprocess.Popen(
            ["bash", "-c", script, "bash", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "LD_LIBRARY_PATH": str(folder / "lib"),
                "FONTCONFIG_PATH": str(folder / "fonts"),
                "HOME": profile,
            },
            pass_fds=(command_end, message_end),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(command_end)
        os.close(message_end)
        try:
            yield Page(commands, messages)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait(STOP_SECONDS)
            os.close(commands)
            os.close(messages)
