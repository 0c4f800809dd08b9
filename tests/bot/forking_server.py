"""A process that has imported the bot and forks commands, which saves each of them the two seconds of its imports.

It listens on a Unix socket, forks per connection, and ends with the process that started it. A request is a line of
JSON; the replies are a line with the process's id, and one with its exit code when it has ended.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import socket
import sys
from pathlib import Path
from typing import Any


def main(path: str) -> None:
    for package in ("core", "adapters", "bot"):
        for module in pkgutil.walk_packages([package], f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    gc.freeze()
    parent, children = os.getppid(), set[int]()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        while os.getppid() == parent:
            children -= {child for child in children if os.waitpid(child, os.WNOHANG)[0]}
            if not select.select([server], [], [], 1)[0]:
                continue
            connection, _ = server.accept()
            child = os.fork()
            if child == 0:
                server.close()
                serve(connection)
                return
            children.add(child)
            connection.close()
    Path(path).unlink()


def serve(connection: socket.socket) -> None:
    """Fork once more: the command itself, and the process that waits for it."""
    request = json.loads(connection.makefile("rb").readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        run(request)
        return
    connection.sendall(b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def run(request: dict[str, Any]) -> None:
    """Become `python -m bot`, in a folder and environment of its own, with all output in a file."""
    for name, flags in ((os.devnull, os.O_RDONLY), (request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
        file = os.open(name, flags, 0o600)
        for descriptor in (0,) if flags == os.O_RDONLY else (1, 2):
            os.dup2(file, descriptor)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["footnoted", *request["arguments"]]
    runpy.run_module("bot", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
