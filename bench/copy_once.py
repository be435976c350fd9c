"""Copy one output from a provider to the bucket, in a process of its own; for collect_memory.py.

It prints the kilobytes held before the copy and at its peak, its seconds and its CPU seconds.
"""

import json
import os
import resource
import sys
import time

import boto3
from botocore.config import Config

from rushes.aws.s3 import Bucket
from rushes.http.client import SafeHttpClient
from rushes.jobs.result import Output
from rushes.ports.http import Upstream

LIMIT = 5 * 1024**3
STREAMED = Config(
    signature_version="s3v4",
    request_checksum_calculation="when_required",
    s3={"addressing_style": "path", "payload_signing_enabled": False},
)


def main() -> None:
    url, way, megabytes = sys.argv[1:]
    bucket = Bucket(boto3.client("s3", config=STREAMED), os.environ["RUSHES_BUCKET"], LIMIT)
    http_client = SafeHttpClient(bucket, local_mode=True)

    def copy(path: str) -> None:
        with http_client.download(Upstream(url, {}), Output(url=path)) as download:
            bucket.put_stream("outputs/bench", download, "video/mp4")

    copy(f"/{way}/1")  # loads everything that is loaded at the first use
    held, began, cpu = peak_kilobytes(), time.monotonic(), time.process_time()
    copy(f"/{way}/{megabytes}")
    spent = time.monotonic() - began, time.process_time() - cpu
    print(json.dumps([held, peak_kilobytes(), *spent]))


def peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
