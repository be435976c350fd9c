"""Measure the initialization of the api function, beside a typical handler.

    python -m bench.init_cost [--small]

CPU time of fresh processes, minus that of an idle interpreter; median of nine. The layers are
built as for a deployment, with bytecode; `sam build` alone ships none, which is measured, too.
The times depend on the machine; compare the ratios.
"""

import argparse
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

from local.packaging import LAMBDA_PYTHON, ROOT, build_layer, compile_bytecode
from rushes.config import Settings

API = "import app; app.api.jobs_api()"
TYPICAL = "import typical_handler"
PRINT_CPU_TIME = "\nimport time; print(time.process_time())"
TWO = """BIFROST, OPENAI = BifrostDialect(), OpenAIDialect()
TOGETHER = PIPELET = FAL = TIYARO = BIFROST
DIALECTS: tuple[Dialect, ...] = (BIFROST, OPENAI)"""
SETTINGS = {str(field.alias): "1" for field in Settings.model_fields.values()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one round, no median")
    rounds = 1 if parser.parse_args().small else 9
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
            },
            rounds,
        )
    nothing = statistics.median(times.pop("an interpreter"))
    api = statistics.median(times["api"]) - nothing
    print("                          | CPU ms | least to most | of it, api is")
    for name, some in times.items():
        cost, least, most = (figure(some) - nothing for figure in (statistics.median, min, max))
        spread = f"{least * 1000:.0f} to {most * 1000:.0f}"
        print(f"{name:25} | {cost * 1000:6.0f} | {spread:13} | {api / cost:.2f}")


def unpack(folder: Path) -> None:
    """Unpack the layers, and both handlers beside them."""
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
    """Remove the other dialects: the difference is their cost."""
    file = folder / "opt/python/rushes/dialects/__init__.py"
    lines = file.read_text().splitlines(keepends=True)
    others = re.compile(r"from rushes\.dialects\.(?!base|openai_videos)\w+[.\w]* import")
    kept = "".join(line for line in lines if not others.match(line))
    text, count = re.subn(
        r"^BIFROST, OPENAI, .*\nPIPELET, .*\nDIALECTS: .*$", TWO, kept, flags=re.MULTILINE
    )
    if count != 1:
        sys.exit("cannot edit dialects/__init__.py: it does not have the expected form")
    file.write_text(text)
    compile_bytecode(file.parent)


def measure(programs: dict[str, tuple[Path, str]], rounds: int) -> dict[str, list[float]]:
    """Return CPU seconds by program. The first round fills the disk cache and is dropped."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds + 1):
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
    command = [str(LAMBDA_PYTHON), "-c", program + PRINT_CPU_TIME]
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
