"""One copy from a provider to the bucket, in a process of its own; for collect_memory.py.

Prints kilobytes held before it and at its peak, and the seconds and the CPU seconds that it took.
"""

import json
import os
import resource
import sys
import time

from rushes import wiring
from rushes.aws.s3 import Bucket
from rushes.http.client import SafeHttpClient
from rushes.jobs.result import Output
from rushes.ports import Upstream

LIMIT = 5 * 1024**3


def main() -> None:
    url, way, megabytes = sys.argv[1:]
    client = wiring._client("s3", wiring._s3())  # noqa: SLF001 - as the functions have it
    bucket = Bucket(client, os.environ["RUSHES_BUCKET"], LIMIT)
    http_client = SafeHttpClient(bucket, local_mode=True)

    def copy(path: str) -> None:
        with http_client.download(Upstream(url, {}), Output(url=path)) as download:
            bucket.put_stream("outputs/bench", download, "video/mp4")

    copy(f"/{way}/1")  # what is loaded at the first use is not what this is about
    held, began, cpu = peak_kilobytes(), time.monotonic(), time.process_time()
    copy(f"/{way}/{megabytes}")
    spent = time.monotonic() - began, time.process_time() - cpu
    print(json.dumps([held, peak_kilobytes(), *spent]))


def peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
