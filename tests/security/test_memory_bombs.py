"""No input within the bounds takes more than 70 % of its function's memory.

Each function runs in a process of its own, with the address space limited to that share and with
the inputs of tests/security/memory one after the other, as a warm function gets them. The figures
are printed: pytest -s shows them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local.packaging import ROOT, read_template
from tests.security.memory.process import FUNCTIONS
from tests.security.memory.server import Server, serving

SHARE = 0.7
EXCEED = """
from tests.security.memory.meter import limit_address_space

limit_address_space(60)
try:
    bytes(100 * 2**20)
except MemoryError:
    print("refused")
"""
HANG_SECONDS = 600
"""Much longer than all inputs of a function take on a busy machine."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def memory_size(function: str) -> int:
    """Return a function's memory in MB."""
    template: Any = read_template(ROOT / "template.yaml")
    default = template["Globals"]["Function"]["MemorySize"]
    properties = template["Resources"][f"{function.title()}Function"]["Properties"]
    return int(properties.get("MemorySize", default))


def measure_all(function: str, server: Server) -> list[dict[str, Any]]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'layers/rushes'}:{ROOT}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": f"{server.url}/s3",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "POWERTOOLS_METRICS_DISABLED": "true",  # the output has the figures only
        "MALLOC_ARENA_MAX": "1",  # each thread would reserve 64 MB of addresses, which are limited
    }
    limit = str(SHARE * memory_size(function))
    command = [sys.executable, "-m", "tests.security.memory.process", function, server.url, limit]
    done = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_stays_below_its_share_of_memory_on_any_input(function: str, server: Server):
    limit = SHARE * memory_size(function)
    measured = measure_all(function, server)
    for one in measured:
        sys.stdout.write(
            f"{function:8} {one['name']:34} {one['peak_megabytes']:6.0f} of {limit:.0f} MB"
            f" {one['seconds']:7.2f} s\n"
        )
    unexpected = [one for one in measured if one["expected"] not in one["outcome"]]
    assert unexpected == []
    too_large = [one for one in measured if one["peak_megabytes"] > limit]
    assert too_large == []
    assert measured


def test_limit_of_the_address_space_is_effective():
    """Otherwise the other test could not fail: 60 MB are less than the smallest function has."""
    limited = subprocess.run(
        [sys.executable, "-c", EXCEED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert limited.stdout == "refused\n"
