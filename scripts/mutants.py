"""Remove the guards one by one and see that the tests notice. It takes a few minutes.

    python scripts/mutants.py [--only WORD] [--workers 2]

The list is tests/mutants.toml. Each guard is removed in a copy of the tree, in which the tests that
are named beside it run; a guard that they do not miss is a defect of theirs, and makes this fail.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests/mutants.toml"
NOT_COPIED = shutil.ignore_patterns(".git", ".local", ".aws-sam", ".*_cache", "__pycache__")
FAILED_TESTS = 1
"""What pytest exits with where tests failed; all else means that they could not run."""


@dataclass(frozen=True)
class Mutant:
    """`before` stands once in `file`, and is replaced by `after`."""

    guard: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def apply(self, tree: Path) -> None:
        path = tree / self.file
        text = path.read_text()
        if text.count(self.before) != 1:
            raise ValueError(f"{self.file} has {self.before!r} {text.count(self.before)} times")
        path.write_text(text.replace(self.before, self.after))


def mutants() -> list[Mutant]:
    listed = tomllib.loads(LIST.read_text())["mutants"]
    return [Mutant(**{**entry, "tests": tuple(entry["tests"])}) for entry in listed]


def survives(mutant: Mutant, folder: Path) -> str | None:
    """Why it counts as alive; None where the tests have found it."""
    tree = Path(tempfile.mkdtemp(dir=folder)) / "tree"
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED, symlinks=True)
    (tree / ".local").symlink_to(ROOT / ".local")
    mutant.apply(tree)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(tree.parent)
    if done.returncode == FAILED_TESTS:
        return None
    return "no test failed" if done.returncode == 0 else done.stdout[-2000:]


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--only", default="", help="guards whose name has this word in it")
    arguments.add_argument("--workers", type=int, default=2)
    asked = arguments.parse_args()
    chosen = [mutant for mutant in mutants() if asked.only in mutant.guard]
    alive = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.workers) as pool:
        verdicts = pool.map(lambda mutant: survives(mutant, Path(folder)), chosen)
        for mutant, why in zip(chosen, verdicts, strict=True):
            print(f"{'ALIVE' if why else 'found':5}  {mutant.guard}", flush=True)
            if why:
                print(f"       {why}")
                alive += 1
    print(f"{len(chosen) - alive} of {len(chosen)} removed guards were missed by the tests")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
