"""Measure the memory that a copy from a provider to the bucket needs, by output size.

    python -m bench.collect_memory [--small]

Each row is one process that copies as the collect function does, between a provider and an S3 on
this machine; `more` is its peak above the memory held after a first small copy.
"""

import argparse
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from typing_extensions import override

from local.packaging import ROOT
from local.stack import Stack

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="copy 1 MB only")
    sizes = [1] if parser.parse_args().small else [20, 100, 1024]
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
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    held, peak, seconds, cpu = json.loads(done.stdout)
    known = "known" if way == "whole" else "unknown"
    print(
        f"{megabytes:<6} | {known:7} | {held / 1024:7.1f} | {(peak - held) / 1024:7.1f}"
        f" | {megabytes / seconds:4.0f} | {cpu * 1024 / megabytes:.2f}"
    )


if __name__ == "__main__":
    main()
