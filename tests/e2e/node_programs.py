"""Run programs of Node.js with the client libraries of tools/clients-node."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from local.packaging import ROOT

PACKAGES = ROOT / "tools/clients-node"
INSTALLED = ROOT / ".local/npm"
TIMEOUT_SECONDS = 600
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")


def run_node(program: str, *arguments: str | Path) -> dict[str, Any]:
    """Run a program of this folder, and return the JSON that it prints."""
    done = subprocess.run(
        ["node", Path(__file__).with_name(program), *arguments],
        env={"NODE_PATH": str(node_modules()), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def node_modules(packages: Path = PACKAGES) -> Path:
    """Return the folder of the libraries, installed once for each version of the lock.

    Skip the test where Node.js is not installed, or npm's registry is out of reach.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js is not installed")
    lock = (packages / "package-lock.json").read_bytes()
    folder = INSTALLED / f"clients-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.exists():
        _install(packages, folder)
    return folder / "node_modules"


def _install(packages: Path, folder: Path) -> None:
    """Install into a new folder, then rename it: another process may do the same."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=INSTALLED) as temporary:
        new = Path(temporary) / "clients"
        new.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(packages / name, new)
        try:
            subprocess.run(INSTALL, cwd=new, check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"npm cannot install the client libraries: {error.stderr[-300:]}")
        if not folder.exists():
            new.rename(folder)
