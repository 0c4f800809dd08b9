"""A command in a pseudo-terminal: type into it and read its screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Self

from tests.bot.running import WITHIN, command, environment

CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\r")
CTRL_C, CTRL_D = "\x03", "\x04"


class Typed:
    """A running command; `read_until` searches only output that was not read before."""

    def __init__(self, home: Path, *arguments: str, **settings: str) -> None:
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._process = subprocess.Popen(
            command(*arguments),
            cwd=home,
            env=environment({"TERM": "xterm", **settings}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # Ctrl-C reaches the program through its controlling terminal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self._unread = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def press_until(self, key: str, text: str) -> str:
        """Press a key every second until a text appears: `input` misses a Ctrl-C between its prompt and its read."""
        for _ in range(int(WITHIN)):
            self.type(key)
            if self._appears(text, 1):
                break
        return self.read_until(text)

    def read_until(self, text: str) -> str:
        """Return the output up to a text, without control sequences."""
        assert self._appears(text, WITHIN), f"“{text}” did not appear in:\n{self._unread[-2000:]}"
        seen, _, self._unread = CONTROL.sub("", self._unread).partition(text)
        return seen + text

    def _appears(self, text: str, within: float) -> bool:
        """Return whether a text appears within some seconds."""
        deadline = time.monotonic() + within
        while text not in CONTROL.sub("", self._unread):
            left = deadline - time.monotonic()
            if not select.select([self._terminal], [], [], max(left, 0))[0]:
                return False
            self._unread += os.read(self._terminal, 65_536).decode(errors="replace")
        return True

    def exit_code(self) -> int:
        """Wait for the exit code; drain the output meanwhile, because a full terminal blocks the process."""
        deadline = time.monotonic() + WITHIN
        while self._process.poll() is None and time.monotonic() < deadline:
            if select.select([self._terminal], [], [], 0.05)[0]:
                try:
                    self._unread += os.read(self._terminal, 65_536).decode(errors="replace")
                except OSError:
                    break  # the other end is closed
        return self._process.wait(WITHIN)
