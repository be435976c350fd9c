"""Packages of npm, each downloaded once to .local/npm."""

import subprocess
import tarfile
from pathlib import Path

FOLDER = Path(__file__).parents[3] / ".local" / "npm"
TIMEOUT_SECONDS = 120


class PackageUnavailableError(Exception):
    """npm is not installed, or its registry is out of reach."""


def read_text(package: str, version: str, member: str) -> str:
    """Return a file of a package; `member` is its path within the package."""
    with tarfile.open(archive(package, version)) as files:
        content = files.extractfile(f"package/{member}")
        if content is None:
            raise FileNotFoundError(member)
        return content.read().decode()


def archive(package: str, version: str) -> Path:
    """Return the file of a package, which npm downloads if it is absent.

    Raises
    ------
    PackageUnavailableError
    """
    target = FOLDER / f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if not target.exists():
        _download(f"{package}@{version}")
    return target


def _download(package: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--fetch-retries=0", package, "--pack-destination", str(FOLDER)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise PackageUnavailableError(f"npm cannot download {package}: {error}") from error
