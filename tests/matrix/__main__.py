"""`python -m tests.matrix.__main__`: every dialect with every provider, each cell a real job.

A cell says what came out: a film or sound that decodes at the asked size and length, a picture
that opens; or, in words, why it cannot be. `--write` puts the table into README.md.
"""

import argparse
import tempfile
import wave
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from local.api_clients import CALLERS, CallFailedError
from local.packaging import ROOT
from local.stack import Stack
from local.video_probe import FilmError, measure
from rushes.jobs.content_type import sniff

SIZE = (128, 72)
FILM = {"prompt": "a fox", "seconds": 1, "width": SIZE[0], "height": SIZE[1]}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_compatible": ("sandbox/sandbox-1", FILM),
    "openai_with_lookup": ("sandbox-lookup/sandbox-1", FILM),
    "together": ("sandbox-together/sandbox-1", FILM),
    "pipelet": ("sandbox-pipelet/film", FILM),
    "fal": ("sandbox-fal/film/standard", FILM),
    "fal, a picture": ("sandbox-fal/picture", {"prompt": "a fox"}),
    "fal, a sound": ("sandbox-fal/tone", {"prompt": "a fox", "seconds": 1}),
    "tiyaro": ("sandbox-tiyaro/film", FILM),
    "replicate": ("sandbox-replicate/film", FILM),
    "runway": ("sandbox-runway/sandbox-1", FILM),
    "gemini": ("sandbox-gemini/sandbox-1", FILM),
    "vertex": ("sandbox-vertex/sandbox-1", FILM),
    "declarative (MiniMax's API)": ("sandbox-minimax/sandbox-1", FILM),
}
BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--write", action="store_true", help="put it into README.md")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "state") as stack:
        table = matrix(stack)
    print(table)
    if asked.write:
        readme = ROOT / "README.md"
        before, _, rest = readme.read_text().partition(BEGIN)
        readme.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")


def matrix(stack: Stack) -> str:
    """The table, in Markdown."""
    cells = [(row, dialect) for row in ROWS for dialect in CALLERS]
    with ThreadPoolExecutor(len(CALLERS)) as threads:
        found = dict(zip(cells, threads.map(lambda it: cell(stack, *it), cells), strict=True))
    lines = ["| provider | " + " | ".join(CALLERS) + " |", "| --- |" + " --- |" * len(CALLERS)]
    rows = ([row, *(found[row, dialect] for dialect in CALLERS)] for row in ROWS)
    lines.extend("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join(lines)


def cell(stack: Stack, row: str, dialect: str) -> str:
    """What came of one job."""
    model, ask = ROWS[row]
    key = stack.environment()["RUSHES_API_KEY"]
    scheme = "Key" if dialect == "fal" else "Bearer"
    headers = {"authorization": f"{scheme} {key}"}
    try:
        with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as http:
            return judged(CALLERS[dialect](http).make(model, ask))
    except CallFailedError as refusal:
        if "no words for" in str(refusal):
            return "— films only"
        return worded(refusal)
    except (FilmError, KeyError, httpx.HTTPError) as failure:
        return worded(failure)


def worded(failure: Exception) -> str:
    return f"no: {failure}".replace("|", "/").replace("\n", " ")[:120]


def judged(content: bytes) -> str:
    """What the bytes are, by decoding all of them."""
    kind = sniff(content) or "nothing known"
    if kind.startswith("image/"):
        with Image.open(BytesIO(content)) as picture:
            picture.load()
        return "✔ picture"
    with tempfile.NamedTemporaryFile(suffix=".media") as file:
        file.write(content)
        file.flush()
        if kind.startswith("audio/"):
            measure_sound(Path(file.name))
            return "✔ sound"
        film = measure(Path(file.name))
    right = film.size == SIZE and abs(film.seconds - 1) < 1 / 12
    return "✔ film" if right else f"no: {film}"


def measure_sound(path: Path) -> None:
    with wave.open(str(path)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    if abs(seconds - 1) > 1 / 12:
        raise FilmError(f"{seconds} s of sound")


if __name__ == "__main__":
    main()
