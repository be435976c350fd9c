"""Look for known vulnerabilities of every locked package: `make audit [REQUIRED=1]`.

pip-audit compares each uv.lock, and the layer's requirements.txt, with the database of osv.dev.
Exit status: 0 without findings, 1 with findings or an error. Without a network the audit is
skipped with status 0, or 1 with `--required`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
UV = ROOT / ".local/uv/bin/uv"
PIP_AUDIT = ROOT / ".local/envs/scanners/bin/pip-audit"
REQUIREMENTS = ROOT / "layers/dependencies/requirements.txt"
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError")
"""Names of the errors that pip-audit ends with if it does not reach the database."""


class Unreachable(Exception):
    """The advisory database cannot be reached."""


class AuditError(Exception):
    """The audit itself failed; the message is the end of pip-audit's output."""


def locks() -> tuple[Path, ...]:
    return (ROOT / "uv.lock", *sorted(ROOT.glob("tools/*/uv.lock")))


def audit(sources: Sequence[Path]) -> Iterator[str]:
    """Yield one line per vulnerability of the locks and requirements files."""
    with tempfile.TemporaryDirectory() as folder:
        for number, source in enumerate(sources):
            requirements = source
            if source.name == "uv.lock":
                requirements = Path(folder) / f"{number}.txt"
                requirements.write_text(export(source))
            for line in vulnerabilities(requirements):
                yield f"{source.relative_to(ROOT)}: {line}"


def export(lock: Path) -> str:
    """Return the packages of all groups of a lock as requirements with hashes."""
    options = ["--frozen", "--all-groups", "--no-emit-project", "--no-annotate", "--no-header"]
    command = [str(UV), "export", "--quiet", "--project", str(lock.parent), *options]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout


def vulnerabilities(requirements: Path) -> list[str]:
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    service = ["--vulnerability-service", "osv", "--format", "json"]
    command = [str(PIP_AUDIT), *options, *service, "--requirement", str(requirements)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        report: dict[str, Any] = json.loads(result.stdout)
    except ValueError:
        last = result.stderr.strip().splitlines()[-1:] or ["no output"]
        if any(name in last[0] for name in UNREACHABLE):
            raise Unreachable(last[0]) from None
        raise AuditError(last[0]) from None
    return [
        f"{package['name']} {package['version']}: {one['id']}"
        f" ({', '.join(one['fix_versions']) or 'no fixed version'})"
        for package in report["dependencies"]
        for one in package.get("vulns", ())
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="audit_dependencies.py", description=__doc__)
    parser.add_argument("--required", action="store_true", help="fail without a network")
    args = parser.parse_args()
    sources, found = (*locks(), REQUIREMENTS), 0
    try:
        for line in audit(sources):
            found += 1
            print(line)
    except Unreachable as error:
        print(f"skipped: advisory database not reachable ({str(error)[:200]})")
        return 1 if found or args.required else 0
    except AuditError as error:
        print(f"the audit failed: {error}")
        return 1
    print(f"{len(sources)} files audited, {found} vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
