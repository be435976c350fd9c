"""``python -m sandbox --port N``: a local video provider for demos and tests.

Fault directives, such as ``[fail]`` in a prompt, inject errors; ``sandbox/README.md`` lists them.
"""

import argparse
import os
import sys

import uvicorn

from sandbox.app import create_app

# A hanging response must not delay the end of the process.
GRACEFUL_SHUTDOWN_SECONDS = 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    args = parser.parse_args()
    api_key = os.environ.get("SANDBOX_API_KEY")
    if not api_key:
        sys.exit("Set SANDBOX_API_KEY to the key that clients must send.")
    uvicorn.run(
        create_app(api_key),
        host=args.host,
        port=args.port,
        log_level="warning",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
