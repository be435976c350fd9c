"""Run a script that ends with its parent: `python die_with_parent.py SCRIPT ARGUMENTS`.

The parent holds the other end of stdin, which closes even if the parent is killed. Otherwise the
local servers would keep running.
"""

import os
import runpy
import signal
import sys
import threading


def end_with_parent() -> None:
    # Not sys.stdin: its lock, held by a thread, would break the interpreter's shutdown.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
