"""Remove the guards of tests/mutants.toml one by one and run their tests, which must fail.

    python scripts/mutants.py [--only TEXT] [--workers 2]

Each guard is removed in a copy of the tree. The exit status is 1 if tests pass without a guard.
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
"""pytest's exit status for failed tests; others mean that the tests did not run."""


@dataclass(frozen=True)
class Mutant:
    """A guard: `before` occurs once in `file` and is replaced by `after`."""

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
    """Return the reason why the mutant survives; None if the tests caught it."""
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
    arguments.add_argument("--only", default="", help="only guards whose name contains this text")
    arguments.add_argument("--workers", type=int, default=2)
    args = arguments.parse_args()
    chosen = [mutant for mutant in mutants() if args.only in mutant.guard]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.workers) as pool:
        results = pool.map(lambda mutant: survives(mutant, Path(folder)), chosen)
        for number, (mutant, why) in enumerate(zip(chosen, results, strict=True), 1):
            state = "MISSED" if why else "caught"
            print(f"{number:3} of {len(chosen)}  {state:6}  {mutant.guard}", flush=True)
            if why:
                print(f"       {why}")
                survivors += 1
    print(f"guards removed: the tests caught {len(chosen) - survivors} of {len(chosen)}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
