"""Process that gives one function all its inputs, and prints the peak of each as JSON.

python -m tests.security.memory.process FUNCTION SERVER_URL MEGABYTES
"""

import sys
from importlib import import_module
from typing import cast

from tests.security.memory.meter import Bombs, limit_address_space, measure

FUNCTIONS = {
    "api": "api_bombs",
    "submit": "provider_bombs",
    "poll": "provider_bombs",
    "collect": "provider_bombs",
    "notify": "webhook_bombs",
    "deliver": "webhook_bombs",
    "sweep": "sweep_bombs",
}
"""Module with the inputs, by function. Each loads what that function does not."""


def main() -> None:
    function, url, megabytes = sys.argv[1:]
    module = import_module(f"tests.security.memory.{FUNCTIONS[function]}")
    bombs = cast("Bombs", getattr(module, f"{function}_bombs")(url))
    limit_address_space(float(megabytes))
    for name, bomb in bombs.items():
        sys.stdout.write(measure(bomb).as_json(name) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
