"""Outputs that earlier calls of collect have stored, assigned to those of the latest poll.

A poll may return fresh URLs of the same files, also in another order.
"""

import hashlib
import re
from collections.abc import Iterable

from rushes.jobs.result import Artifact, CollectedOutput, Output

FINGERPRINT_DIGITS = 16
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)


def fingerprint(output: Output) -> str:
    """Hash the path of the URL, without its query, and the pointer."""
    path = re.split("[?#]", ORIGIN.sub("", output.url, count=1), maxsplit=1)[0]
    digest = hashlib.sha256(f"{path}\n{output.pointer or ''}".encode())
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def reusable(
    folder: str, collected: tuple[CollectedOutput, ...], outputs: tuple[Output, ...]
) -> dict[int, CollectedOutput]:
    """Return the stored files by position among `outputs`: none of another folder.

    A file whose fingerprint is gone is reused at its old position, if the output there is new too:
    the paths of some providers change at every poll.
    """
    if not all(file.key.startswith(folder) for file in collected):  # as before a cancel
        return {}
    remaining = {
        index if file.position is None else file.position: file
        for index, file in enumerate(collected)
    }
    reused: dict[int, CollectedOutput] = {}
    fingerprints = [fingerprint(output) for output in outputs]
    for position, wanted in enumerate(fingerprints):
        same = [index for index, file in remaining.items() if file.fingerprint == wanted]
        if same:
            index = position if position in same else same[0]
            reused[position] = remaining.pop(index)
    for position in range(len(outputs)):
        if position not in reused and position in remaining:
            reused[position] = remaining.pop(position)
    return {
        position: file.model_copy(update={"position": position})
        for position, file in reused.items()
    }


def free_number(folder: str, kept: Iterable[CollectedOutput]) -> int:
    """Return the smallest number that names no kept file: none of them is overwritten."""
    names = {file.key.removeprefix(folder).partition(".")[0] for file in kept}
    return next(number for number in range(len(names) + 1) if str(number) not in names)


def described(artifact: Artifact, position: int, output: Output) -> CollectedOutput:
    return CollectedOutput(
        **artifact.model_dump(), position=position, fingerprint=fingerprint(output)
    )


def in_order(files: dict[int, CollectedOutput]) -> tuple[CollectedOutput, ...]:
    return tuple(files[position] for position in sorted(files))
