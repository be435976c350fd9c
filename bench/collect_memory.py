"""How much memory it takes to copy an output of some length from a provider to the bucket.

    python bench/collect_memory.py [MEGABYTES …]

Each row is a process of its own that does what the collect function does, between a provider and
an S3 on this machine; `more` is its peak over what it held after a first small copy.
"""

import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from typing_extensions import override

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from local.stack import Stack  # noqa: E402 - found by the line above

MEGABYTE = 1024 * 1024
BLOCK = bytes(64 * 1024)


class Provider(socketserver.StreamRequestHandler):
    """`GET /whole/N` sends N MB with their length, `GET /chunks/N` without it."""

    @override
    def handle(self) -> None:
        _, way, megabytes = self.rfile.readline().split()[1].decode().split("/")
        while self.rfile.readline().strip():
            pass
        blocks = int(megabytes) * MEGABYTE // len(BLOCK)
        if way == "whole":
            head, before, after = f"content-length: {blocks * len(BLOCK)}", b"", b""
        else:
            head, before, after = "transfer-encoding: chunked", b"%x\r\n" % len(BLOCK), b"\r\n"
        self.wfile.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
        for _ in range(blocks):
            self.wfile.write(before + BLOCK + after)
        if way == "chunks":
            self.wfile.write(b"0\r\n\r\n")


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or [20, 100, 1024]
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "state") as stack,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Provider) as provider,
    ):
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{provider.server_address[1]}"
        print("MB     | length  | held MB | more MB | MB/s | CPU s/GB")
        for megabytes in sizes:
            for way in ("whole", "chunks"):
                print_row(stack, url, way, megabytes)
        provider.shutdown()


def print_row(stack: Stack, url: str, way: str, megabytes: int) -> None:
    command = [sys.executable, str(ROOT / "bench/copy_once.py"), url, way, str(megabytes)]
    environment = os.environ | stack.environment() | {"PYTHONPATH": str(ROOT / "layers/rushes")}
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    held, peak, seconds, cpu = json.loads(done.stdout)
    known = "known" if way == "whole" else "unknown"
    print(
        f"{megabytes:<6} | {known:7} | {held / 1024:7.1f} | {(peak - held) / 1024:7.1f}"
        f" | {megabytes / seconds:4.0f} | {cpu * 1024 / megabytes:.2f}"
    )


if __name__ == "__main__":
    main()
