"""Python imports this at its start where it is on the path: the clock that `time.time` tells may jump from then on."""

import os
import time
from pathlib import Path

SAYS = Path(os.environ["CLOCK_FILE"])
"""How many seconds it is wrong by."""

_right = time.time


def wrong() -> float:
    return _right() + float(SAYS.read_text() or 0)


time.time = wrong
