"""The `rushes` command: clients' and operators' view of a Rushes deployment."""

import sys
from pathlib import Path

LAYER = str(Path(__file__).resolve().parents[1] / "layers/rushes")
if LAYER not in sys.path:
    sys.path.insert(0, LAYER)  # in a clone the modules of this package import `rushes` from there
