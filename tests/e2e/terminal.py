"""Run a script at a terminal, and answer its prompts."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

MAX_SECONDS = 1200.0
PAUSE_SECONDS = 0.1


def run_at_terminal(
    script: str, folder: Path, environment: Mapping[str, str], prompt: str, answer: str
) -> str:
    """Run a bash script that stops at the first error, and return its output.

    Whenever it shows the text `prompt`, the answer and Enter are typed.
    """
    output = folder / "output"
    keyboard, terminal = os.openpty()
    with output.open("wb") as file:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdin=terminal,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        _answer(shell, output, prompt, keyboard, f"{answer}\n".encode())
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
        os.close(terminal)
        os.close(keyboard)
    text = output.read_text()
    assert shell.returncode == 0, text
    return text


def _answer(
    shell: "subprocess.Popen[bytes]", output: Path, prompt: str, keyboard: int, answer: bytes
) -> None:
    answers, deadline = 0, time.monotonic() + MAX_SECONDS
    while shell.poll() is None:
        assert time.monotonic() < deadline, output.read_text()
        if output.read_text().count(prompt) > answers:
            os.write(keyboard, answer)
            answers += 1
        time.sleep(PAUSE_SECONDS)
