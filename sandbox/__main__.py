"""``python -m sandbox --port N``: a video provider on this machine, for demos and tests.

Words in square brackets in a prompt make it misbehave; ``sandbox/README.md`` lists them.
"""

import argparse
import os
import sys

import uvicorn

from sandbox.app import create_app

# A client that hangs in a long answer must not keep the process from stopping.
SECONDS_TO_FINISH = 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    api_key = os.environ.get("SANDBOX_API_KEY")
    if not api_key:
        sys.exit("Set SANDBOX_API_KEY to the key that clients must send.")
    uvicorn.run(
        create_app(api_key),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )


if __name__ == "__main__":
    main()
