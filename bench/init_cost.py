"""What the api function costs before its first call, beside a handler as it is often written.

    python bench/init_cost.py

CPU time of fresh processes, less that of an interpreter that does nothing; median of nine. The
layers are as they are deployed, with their bytecode; `sam build` by itself ships none, so that is
measured as well. Times are of this machine: the ratios are what to look at.
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import aws_xray_sdk
import wrapt

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers/rushes")]

from local.packaging import LAMBDA_PYTHON, build_layer, compile_bytecode  # noqa: E402 - see above
from rushes.config import Settings  # noqa: E402

ROUNDS = 9
API = "import app; app.wiring.endpoints()"
TYPICAL = "import typical_handler"
TELL = "\nimport time; print(time.process_time())"
SETTINGS = {str(field.alias): "1" for field in Settings.model_fields.values()}


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        compiled, plain = Path(temporary, "compiled"), Path(temporary, "plain")
        two = Path(temporary, "two")
        unpack(compiled)
        shutil.copytree(compiled, plain, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(compiled, two)
        keep_two_dialects(two)
        times = measure(
            {
                "an interpreter": (compiled, ""),
                "api": (compiled, API),
                "api with two dialects": (two, API),
                "typical": (compiled, TYPICAL),
                "typical, without bytecode": (plain, TYPICAL),
            }
        )
    nothing = statistics.median(times.pop("an interpreter"))
    api = statistics.median(times["api"]) - nothing
    print("                          | CPU ms | least to most | of it, api is")
    for name, some in times.items():
        cost, least, most = (it(some) - nothing for it in (statistics.median, min, max))
        spread = f"{least * 1000:.0f} to {most * 1000:.0f}"
        print(f"{name:25} | {cost * 1000:6.0f} | {spread:13} | {api / cost:.2f}")


def unpack(folder: Path) -> None:
    """The layers, and beside them both handlers as their functions have them."""
    for layer in ("dependencies", "rushes"):
        with zipfile.ZipFile(build_layer(ROOT / "layers" / layer)) as archive:
            archive.extractall(folder / "opt")
    for package in (aws_xray_sdk, wrapt):  # our layer has no tracer
        home = Path(package.__path__[0])
        shutil.copytree(home, folder / "opt/python" / home.name)
    task = folder / "task"
    task.mkdir()
    for file in (ROOT / "functions/api/app.py", ROOT / "bench/typical_handler.py"):
        shutil.copy(file, task)
    compile_bytecode(folder)


def keep_two_dialects(folder: Path) -> None:
    """The first two that there were: what the others add is the difference."""
    file = folder / "opt/python/rushes/dialects/__init__.py"
    lines = file.read_text().splitlines(keepends=True)
    others = re.compile(r"from rushes\.dialects\.(?!base|bifrost|openai)\w+ import")
    kept = "".join(line for line in lines if not others.match(line))
    registry = "DIALECTS: tuple[Dialect, ...] = (BifrostDialect(), OpenAIDialect())"
    text, count = re.subn(
        r"DIALECTS: tuple\[Dialect, \.\.\.\] = \(.*?\n\)", registry, kept, flags=re.DOTALL
    )
    if count != 1:
        sys.exit("dialects/__init__.py no longer looks as this bench thinks")
    file.write_text(text)
    compile_bytecode(file.parent)


def measure(programs: dict[str, tuple[Path, str]]) -> dict[str, list[float]]:
    """CPU seconds by program, taken in turns; the first turn warms the disk and does not count."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(ROUNDS + 1):
        for name, (folder, program) in programs.items():
            seconds = run(folder, program)
            if turn:
                times[name].append(seconds)
    return times


def run(folder: Path, program: str) -> float:
    environment = {
        "PYTHONPATH": f"{folder / 'task'}:{folder / 'opt/python'}",
        "PYTHONDONTWRITEBYTECODE": "1",  # as on Lambda, where nothing can be written
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        **SETTINGS,
    }
    command = [str(LAMBDA_PYTHON), "-c", program + TELL]
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
