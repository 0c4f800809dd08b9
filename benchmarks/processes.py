"""Processes to measure: start them as a user would, sample their memory from outside, and stop them."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

READY_TIMEOUT = 30.0
"""Seconds."""


@dataclass
class Measured:
    """A process that has ended; `peak_mb` is the peak memory of it and its child processes together."""

    seconds: float
    peak_mb: float
    output: str


def environment(**settings: str) -> dict[str, str]:
    """Return the environment with `settings`, without variables that would distort the measurement."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return {**kept, **settings}


def measure(arguments: Sequence[str], folder: Path, env: Mapping[str, str], python: Path | None = None) -> Measured:
    """Run a Python module to its end; with another `python`, run a file."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(python), *arguments] if python else [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**env, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    samples: list[float] = []
    watcher = threading.Thread(target=_watch, args=(process, samples))
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}:\n{output}")
    return Measured(seconds, max(samples, default=0.0), output)


def _watch(process: "subprocess.Popen[str]", samples: list[float]) -> None:
    """Sample the memory of a process and its children five times a second."""
    while process.poll() is None:
        samples.append(sum(map(_share_mb, _session(process.pid))))
        time.sleep(0.2)


def _session(session_id: int) -> Iterator[Path]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # the process has ended in the meantime
            if (folder / "stat").read_text().rpartition(")")[2].split()[3] == str(session_id):
                yield folder


def _share_mb(folder: Path) -> float:
    """Return the proportional set size of a process, which divides shared pages among their users."""
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+)", (folder / "smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


@contextmanager
def running(
    arguments: Sequence[str], folder: Path, env: Mapping[str, str], address: str
) -> Iterator[tuple[int, float]]:
    """Run a Python module that serves `address`; yield its process ID and the seconds until it answered."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**env, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(address):
            if process.poll() is not None or time.perf_counter() - started > READY_TIMEOUT:
                raise RuntimeError(f"{arguments} does not answer at {address}")
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(timeout=30)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a running process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=2):
            return True
    except URLError as error:
        # An HTTP error is an answer as well; only it has a status code.
        return hasattr(error, "code")
    except OSError:
        return False
