"""Write the pages of error codes, and the script of the API reference.

    python -m scripts.generate_reference [--check] [--redoc]

With --check the script writes nothing and fails if a page is outdated. With --redoc it also writes
Redoc, from its npm package.
"""

import argparse
import gzip
import hashlib
import html
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from cli.error_codes import ErrorCode, error_codes
from rushes.api.reference import FOLDER

ROOT = Path(__file__).parents[1]
PAGE, HTML_PAGE = ROOT / "docs/reference/errors.md", FOLDER / "errors.html"
REDOC, REDOC_LICENSE = FOLDER / "redoc.standalone.js.gz", FOLDER / "redoc.LICENSE.txt"
VERSION = "3.0.1"
SHA512 = (
    "2837e829a616d7d2c2978612b60067c2568d8d81057ece7308db75b35599d983"
    "39bbc776e98bb3776978ddf64ef39d59b2020c7bf0fae347c32640fc79a45029"
)
"""Of the package of Redoc, which is in `REDOC` and has the license `REDOC_LICENSE`."""
URLS = (
    b"https://cdn.redoc.ly/redoc/logo-mini-full.svg",
    b"https://cdn.redoc.ly/redoc/logo-mini.svg",
    b"https://otel.cloud.redocly.com/v1/traces",
)
"""Other servers that Redoc contacts by itself: for an image and to report its use."""
CODE = re.compile(r"`([^`]+)`")
INTRODUCTION = (
    "Each error of the API has a code. The native API has it in `code`, and its `type` links here; "
    "the other APIs have it in their own form of an error. A failed job has the code in its "
    "`error`. The texts are those of `rushes job show`."
)
PLACES = {
    "request": "response to a request",
    "job": "error of a failed job",
    "wait": "reason why a job waits",
}


def pages() -> Mapping[Path, str]:
    codes = error_codes().codes
    return {PAGE: _markdown(codes), HTML_PAGE: _html(codes)}


def _markdown(codes: Mapping[str, ErrorCode]) -> str:
    parts = ["# Error codes", INTRODUCTION]
    for name, code in codes.items():
        rows = [f"- **{label}**: {text}" for label, text in _rows(code)]
        parts += [f"## `{name}`", f'<a id="{name}"></a>', "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _html(codes: Mapping[str, ErrorCode]) -> str:
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>Rushes: error codes</title>",
        '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="style.css">',
        '</head>\n<body>\n<nav><strong>Rushes</strong> <a href="../docs">API reference</a></nav>',
        f"<main>\n<h1>Error codes</h1>\n<p>{_inline(INTRODUCTION)}</p>",
    ]
    for name, code in codes.items():
        rows = [f"<dt>{label}</dt><dd>{_inline(text)}</dd>" for label, text in _rows(code)]
        parts += [f'<h2 id="{name}">{name}</h2>', "<dl>", *rows, "</dl>"]
    return "\n".join([*parts, "</main>\n</body>\n</html>\n"])


def _rows(code: ErrorCode) -> list[tuple[str, str]]:
    status = f", {code.http_status}" if code.http_status else ""
    rows = [
        ("Where", "; ".join(PLACES[place] for place in code.where) + status),
        ("Cause", code.cause),
        ("Client", code.client),
        ("Operator", code.operator),
    ]
    names = {"job": "JOB", "account": "ACCOUNT", "provider": "PROVIDER"}
    commands = [f"`{command}`" for command in code.commands_for(names)]
    return [*rows, *([("Commands", ", ".join(commands))] if commands else [])]


def _inline(text: str) -> str:
    return CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))


def outdated() -> list[Path]:
    """Return the pages that differ from the generated ones."""
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


def write_redoc() -> None:
    """Write the script of Redoc, compressed, and its license.

    Raises
    ------
    ValueError
        If the registry has another package under the version.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"redoc@{VERSION}", "--pack-destination", folder]
        subprocess.run(command, check=True, capture_output=True)
        archive = Path(folder, f"redoc-{VERSION}.tgz")
        if hashlib.sha512(archive.read_bytes()).hexdigest() != SHA512:
            raise ValueError(f"redoc {VERSION} is not the pinned package")
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
        package = Path(folder, "package")
        script = (package / "bundles/redoc.standalone.js").read_bytes()
        for url in URLS:  # the content security policy refuses them besides
            script = script.replace(url, b"data:,")
        REDOC.write_bytes(gzip.compress(script, 9, mtime=0))
        REDOC_LICENSE.write_bytes((package / "LICENSE").read_bytes())


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="fail if a page is outdated")
    arguments.add_argument("--redoc", action="store_true", help="write Redoc from its npm package")
    chosen = arguments.parse_args()
    if chosen.check:
        if paths := outdated():
            names = ", ".join(str(path.relative_to(ROOT)) for path in paths)
            sys.exit(f"outdated: {names}; run `python -m scripts.generate_reference`")
        return
    for path, text in pages().items():
        path.write_text(text, "utf-8")
    if chosen.redoc:
        write_redoc()


if __name__ == "__main__":
    main()
