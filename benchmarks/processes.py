"""Processes to measure: started as a user starts them, watched from outside, ended by their own number."""

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

READY_WITHIN = 30.0


@dataclass
class Measured:
    """A process that has ended: seconds, and the most memory that it and those that it started took together, in MB."""

    seconds: float
    peak_mb: float
    output: str


def environment(**settings: str) -> dict[str, str]:
    """This one without anything that would change what is measured, and with `settings`."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return {**kept, **settings}


def measure(arguments: Sequence[str], folder: Path, env: Mapping[str, str], python: Path | None = None) -> Measured:
    """Runs a Python module to its end; with another `python`, a file."""
    began = time.perf_counter()
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
    watching = threading.Thread(target=_watch, args=(process, samples))
    watching.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - began
    watching.join()
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}:\n{output}")
    return Measured(seconds, max(samples, default=0.0), output)


def _watch(process: "subprocess.Popen[str]", samples: list[float]) -> None:
    """Notes the memory of a process and of those that it starts, five times a second."""
    while process.poll() is None:
        samples.append(sum(map(_share_mb, _session(process.pid))))
        time.sleep(0.2)


def _session(number: int) -> Iterator[Path]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if (folder / "stat").read_text().rpartition(")")[2].split()[3] == str(number):
                yield folder


def _share_mb(folder: Path) -> float:
    """A process' memory, in which what several share counts once."""
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+)", (folder / "smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


@contextmanager
def running(
    arguments: Sequence[str], folder: Path, env: Mapping[str, str], address: str
) -> Iterator[tuple[int, float]]:
    """A Python module that serves `address`: its process number, and the seconds until it answered there."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**env, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(address):
            if process.poll() is not None or time.perf_counter() - began > READY_WITHIN:
                raise RuntimeError(f"{arguments} does not answer at {address}")
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(timeout=30)


def resident_mb(pid: int) -> float:
    """A running process' resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=2):
            return True
    except URLError as error:
        # An error that has a status is an answer.
        return hasattr(error, "code")
    except OSError:
        return False
