"""Carry out the steps of the Dockerfile without a container engine, and check the result.

    make image-steps

In an empty folder every COPY and RUN is done as it stands, with that folder before each absolute path. Then the bot is
started as the image starts it: as its user, with a root that nobody may write to, on a Redis beside it. What is not
proved: that the base image has what this machine has, and that an engine reads the file as this script does.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from bot.embedded_redis import embedded_redis
from core.indexing.post_parser import PROCESSES_FROM
from tests.bot.running import REPOSITORY
from tests.servers.redis import redis_proxy
from tests.shipping.container import can_contain, contained
from tests.shipping.dockerfile import Instruction, environment_of, last, stages

BASE_MB = 130
"""python:3.11-slim on x86-64 as `docker images` shows it, from memory: it was not fetched. It moves by some MB."""

MOST_MB = 450
TOKEN = "a-token-for-this-run"
PORT = "8080"
WITHIN = 90.0


class ImageRoot:
    """The folder that stands in for the image's root."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._source = Path("/src")

    def path(self, path: str | Path) -> Path:
        return self._folder / str(path).lstrip("/")

    def placed(self, text: str) -> str:
        """Prefix the absolute paths in a command with this folder, except paths of the system."""
        return re.sub(r"(?<![\w.$}/-])/(opt|wheels|srv)\b", rf"{self._folder}/\1", text)

    def carry_out(self, stage: list[Instruction], path: str) -> None:
        """Carry out a stage; `path` comes first in PATH."""
        environment = {"PATH": f"{path}:/usr/bin:/bin", "HOME": str(self._folder), "PIP_QUIET": "2"}
        # Where packages come from on this machine; in the image it is pip's own choice.
        environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        environment |= {name: value for name, value in environment_of(stage).items() if name != "PATH"}
        for instruction in stage:
            match instruction.name:
                case "COPY":
                    self._copy(instruction.words)
                case "RUN" if "useradd" in instruction.rest:
                    print(f"not run: {instruction.rest}")
                case "RUN":
                    began = time.monotonic()
                    step = self.placed(instruction.rest)
                    self.path(self._source).mkdir(parents=True, exist_ok=True)
                    subprocess.run(step, shell=True, check=True, cwd=self.path(self._source), env=environment)
                    print(f"{time.monotonic() - began:5.1f} s  {instruction.rest[:90]}")

    def _copy(self, words: list[str]) -> None:
        between = words[0].startswith("--from=")
        *sources, target = words[1:] if between else words
        for source in sources:
            here = self.path(source) if between else REPOSITORY / source
            there = self.path(target) if between else self.path(self._source) / target
            if target.endswith("/"):
                there /= here.name
            if here == there:
                continue
            there.parent.mkdir(parents=True, exist_ok=True)
            if here.is_dir():
                shutil.copytree(here, there, dirs_exist_ok=True, symlinks=True, ignore=_unsent)
            else:
                shutil.copy(here, there)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="image-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        base = folder / "base"
        venv.create(base, with_pip=True)
        image_root = ImageRoot(folder)
        build, image = stages()
        for stage in (build, image):
            image_root.carry_out(stage, str(base / "bin"))
        size = sum(file.lstat().st_size for file in image_root.path("/opt/footnoted").rglob("*")) / 1e6
        print(f"/opt/footnoted: {size:.0f} MB; with python:3.11-slim of some {BASE_MB} MB: {size + BASE_MB:.0f} MB")
        if size + BASE_MB > MOST_MB:
            print(f"That is more than {MOST_MB} MB.")
            return 1
        return asyncio.run(_run(image_root, image, folder))


async def _run(image_root: ImageRoot, image: list[Instruction], folder: Path) -> int:
    """Start the bot as the image does, ask a question, and stop it."""
    if not can_contain():
        print("not run: the bot itself; a root of its own needs Linux, and root")
        return 0
    redis = folder / "redis"
    with embedded_redis(redis) as url:
        async with redis_proxy(url) as line:
            return await asyncio.to_thread(_serve, image_root, image, folder, line.address)


def _serve(image_root: ImageRoot, image: list[Instruction], folder: Path, redis_url: str) -> int:
    start = image_root.path(last(image, "WORKDIR").rest)
    _write_posts(start)
    environment = {name: image_root.placed(value) for name, value in environment_of(image).items()}
    environment["PATH"] = environment["PATH"].replace("$PATH", "/usr/bin:/bin")
    environment |= {"REDIS_URL": redis_url, "WEB_TOKEN": TOKEN, "WEB_PORT": PORT}
    command = [*last(image, "ENTRYPOINT").words, *last(image, "CMD").words]
    shown = [image_root.path("/opt"), start, Path(sys.base_prefix)]
    bot = contained(folder / "root", last(image, "USER").rest, start, shown, command, environment)
    try:
        _until_well(bot)
        check = last(image, "HEALTHCHECK").rest.partition(" CMD ")[2]
        probe = Instruction("CMD", check).words
        probe[0] = str(image_root.path("/opt/footnoted/bin/python"))
        subprocess.run(probe, check=True, env=environment, timeout=5)
        print("The health check of the image says that it is well.")
        print(_answer())
        bot.terminate()
        code = bot.wait(30)
    finally:
        bot.kill()
    print(f"Stopped with exit code {code}.")
    print(bot.stdout.read() if bot.stdout else "")
    return code


def _write_posts(start: Path) -> None:
    """Write the operator's files: enough posts that worker processes parse them."""
    (start / "posts").mkdir(parents=True, exist_ok=True)
    toml = '[[sources]]\nname = "pears"\nfolder = "posts"\n'
    (start / "footnoted.toml").write_text(toml, encoding="utf-8")
    for number in range(2 * PROCESSES_FROM):
        text = f"# Pear tree {number}\n\nThe pears of tree {number} are ripe on day {3 * number} of the year.\n"
        (start / "posts" / f"{number}.md").write_text(text, encoding="utf-8")


def _until_well(bot: subprocess.Popen[str]) -> None:
    """Wait until posts are indexed."""
    began = time.monotonic()
    while time.monotonic() - began < WITHIN:
        if bot.poll() is not None:
            raise SystemExit(f"It ended: {bot.stdout.read() if bot.stdout else ''}")
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=2):
                print(f"{time.monotonic() - began:5.1f} s  until it was ready")
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise SystemExit("It was not ready in time.")


def _answer() -> str:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    ask = Request(f"http://127.0.0.1:{PORT}/api/ask", b'{"question": "When are the pears of tree 7 ripe?"}', headers)
    with urlopen(ask, timeout=30) as response:
        return str(response.read(300).decode(errors="replace"))


def _unsent(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" and "opt" not in Path(folder).parts}


if __name__ == "__main__":
    sys.exit(main())
