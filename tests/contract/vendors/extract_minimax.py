"""Write published/minimax.json: the request and task types of the npm package mmx-cli.

Run `python -m tests.contract.vendors.extract_minimax [file]`.
"""

import re
from typing import Any

from tests.contract.vendors import npm_packages
from tests.contract.vendors.extract_fal import Reader, Schema, resolve
from tests.contract.vendors.published_files import write

PACKAGE = "mmx-cli"
VERSION = "1.0.27"
TYPES = "dist/index.d.ts"
REQUESTS = {"/v1/video_generation": "VideoRequest", "/v2/video_generation": "VideoV2Request"}
TASKS = {"/v1/video_generation": "VideoTaskResponse", "/v2/video_generation": "VideoV2Task"}
DECLARATION = re.compile(
    r"^export (?:interface (?P<interface>Video\w+) (?P<members>\{.*?^\})"
    r"|type (?P<type>VideoV2\w+) = (?P<union>[^{}]+?);$)",
    re.DOTALL | re.MULTILINE,
)


def extract(source: str) -> dict[str, Any]:
    types = Reader(declarations(source)).declarations()
    return {
        "package": PACKAGE,
        "version": VERSION,
        "requests": {path: _closed(resolve(types[name], types)) for path, name in REQUESTS.items()},
        "statuses": {
            path: types[name]["properties"]["status"]["enum"] for path, name in TASKS.items()
        },
    }


def declarations(source: str) -> str:
    """Return the video types as type aliases, the form that the reader knows."""
    return "\n".join(
        f"type {match['interface'] or match['type']} = {match['members'] or match['union']};"
        for match in DECLARATION.finditer(source)
        if "GenerateRequest" not in match[0]
    )


def _closed(schema: Schema) -> Schema:
    return {**schema, "additionalProperties": False}


def main() -> None:
    write("minimax", extract(npm_packages.read_text(PACKAGE, VERSION, TYPES)))


if __name__ == "__main__":
    main()
