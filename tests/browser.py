"""Headless Chromium for tests of web pages.

It comes inside an npm package of 70 MB: `make test` needs neither root nor Debian's `chromium`, and
no installer that downloads a browser from elsewhere. docs/decisions/0021-cors.md has the
alternatives.
"""

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.vendors.npm_packages import PackageUnavailableError, archive

ROOT = Path(__file__).parents[1]
PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
SHA512 = (
    "8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34ef"
    "c41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0"
)
FOLDER = ROOT / ".local/browser" / VERSION
DECOMPRESS = """
const [source, target] = process.argv.slice(1);
const { createReadStream, createWriteStream } = require("node:fs");
const decompress = require("node:zlib").createBrotliDecompress();
createReadStream(source).pipe(decompress).pipe(createWriteStream(target, { mode: 0o755 }));
"""
FLAGS = (
    *("--headless=shell", "--no-sandbox", "--no-zygote", "--disable-gpu"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"),
)
STOP_SECONDS = 10


class BrowserUnavailableError(Exception):
    """The package cannot be installed on this machine; the message has the reason."""


@contextmanager
def open_page(url: str) -> Iterator[None]:
    """Show a page in a browser of its own, with an empty profile, until the block ends."""
    folder = installed()
    environment = {
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "FONTCONFIG_PATH": str(folder / "fonts"),
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command: list[str | Path] = [folder / "chromium", *FLAGS, f"--user-data-dir={profile}", url]
        browser = subprocess.Popen(
            command,
            env={**environment, "HOME": profile},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait(STOP_SECONDS)


def installed() -> Path:
    """Return the folder of the browser, which is installed if it is absent."""
    if not FOLDER.exists():
        _install()
    return FOLDER


def _install() -> None:
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise BrowserUnavailableError(
            f"{PACKAGE} contains Chromium for Linux x86_64, not {machine}"
        )
    if shutil.which("node") is None:
        raise BrowserUnavailableError("node is not installed: it downloads and unpacks Chromium")
    try:
        package = archive(PACKAGE, VERSION)
    except PackageUnavailableError as error:
        raise BrowserUnavailableError(str(error)) from error
    if hashlib.sha512(package.read_bytes()).hexdigest() != SHA512:
        raise BrowserUnavailableError(f"{package} is not the pinned {PACKAGE} {VERSION}: delete it")
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as unpacked:
        _unpack(package, Path(unpacked))
        (Path(unpacked) / "browser").rename(FOLDER)


def _unpack(package: Path, folder: Path) -> None:
    with tarfile.open(package) as files:
        files.extractall(folder, filter="data")
    source, target = folder / "package/bin", folder / "browser"
    target.mkdir()
    _decompress(source / "chromium.br", target / "chromium")
    for name in ("al2023", "swiftshader", "fonts"):
        _decompress(source / f"{name}.tar.br", folder / f"{name}.tar")
        with tarfile.open(folder / f"{name}.tar") as files:
            files.extractall(target, filter="data")


def _decompress(source: Path, target: Path) -> None:
    subprocess.run(["node", "-e", DECOMPRESS, source, target], check=True, capture_output=True)
