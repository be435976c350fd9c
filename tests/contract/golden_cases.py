"""Lists the golden cases, and rewrites the golden files.

    PYTHONPATH=layers/rushes:. .local/envs/dev/bin/python -m tests.contract.golden_cases --write

Without `--write` it prints what differs. Review the difference in Git before it is committed: the
files say what clients may rely on. What is compared how, `golden_recorder` says.
"""

import argparse
import logging
import sys
from collections.abc import Callable
from functools import cache, partial

from tests.contract.golden_events import events, webhook_bodies
from tests.contract.golden_queues import fal, pipelet
from tests.contract.golden_recorder import Case, Recorder, difference, read_golden, write_golden
from tests.contract.golden_tiyaro import tiyaro
from tests.contract.golden_together import together
from tests.contract.golden_videos import routes, videos
from tests.contract.golden_webhooks import webhooks


def _bifrost(record: Recorder) -> None:
    videos(record, "/v1/videos")
    routes(record, "/bifrost/v1/videos")


GROUPS: dict[str, Callable[[Recorder], None]] = {
    "bifrost": _bifrost,
    "openai": partial(videos, base="/openai/v1/videos"),
    "together": together,
    "pipelet": pipelet,
    "fal": fal,
    "tiyaro": tiyaro,
    "webhooks": webhooks,
    "events": events,
    "webhook_bodies": webhook_bodies,
}
"""By the name of its golden file."""


@cache
def recorded(group: str) -> dict[str, Case]:
    """The cases of a group as they are at present, by name."""
    record = Recorder()
    logging.disable(logging.CRITICAL)
    try:
        GROUPS[group](record)
    finally:
        logging.disable(logging.NOTSET)
    return record.cases


def differences(group: str) -> list[str]:
    golden, actual = read_golden(group), recorded(group)
    names = sorted({*golden, *actual})
    found = [difference(group, golden.get(name), actual.get(name)) for name in names]
    return [it for it in found if it]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    is_writing, failures = parser.parse_args().write, 0
    for group in GROUPS:
        cases = recorded(group)
        found = differences(group)
        failures += len(found)
        report = found if not is_writing else []
        sys.stdout.write(
            "\n".join([*report, f"{group}: {len(cases)} cases, {len(found)} changed\n"])
        )
        if is_writing:
            write_golden(group, cases)
    return 0 if is_writing or not failures else 1


if __name__ == "__main__":
    sys.exit(main())
