"""The embedded Redis: processes share it, restart it after a crash, and find their data again."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from bot import embedded_redis as embedded
from bot.embedded_redis import embedded_redis, socket_path
from core.errors import StartupError

ROOT = Path(__file__).parents[2]
USER = """
import sys
from pathlib import Path
from bot.embedded_redis import embedded_redis
with embedded_redis(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
Start = Callable[[], "subprocess.Popen[str]"]


def until(happened: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, protocol=2, retry=None)


def server_pid(url: str) -> int:
    with client(url) as connection:
        return int(connection.info("server")["process_id"])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter if it ends meanwhile
        return False


@contextmanager
def user_of(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a process that uses the Redis of a folder until its stdin closes; its first line is the URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def address_from(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_search_and_persistence_are_on(folder: Path) -> None:
    with embedded_redis(folder) as url, client(url) as connection:
        assert connection.execute_command("FT._LIST") == []
        assert connection.config_get("appendonly")["appendonly"] == "yes"
        assert connection.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_only_the_owner_can_connect(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with embedded_redis(folder) as url:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(url.removeprefix("unix://")).stat().st_mode) == 0o700
        with client(url) as connection:
            assert connection.config_get("port")["port"] == "0"


def test_processes_share_one_server_and_the_last_one_stops_it(folder: Path) -> None:
    with user_of(folder) as first, user_of(folder) as second:
        url = address_from(first)
        assert address_from(second) == url
        pid = server_pid(url)
        first.communicate()
        with client(url) as connection:
            assert connection.set("still", "here")
        assert server_pid(url) == pid
        second.communicate()
    until(lambda: not is_alive(pid))
    assert not socket_path(folder).exists()


def test_simultaneous_starts_get_one_server(folder: Path) -> None:
    with user_of(folder) as one, user_of(folder) as two, user_of(folder) as three:
        urls = [address_from(process) for process in (one, two, three)]
        assert len({server_pid(url) for url in urls}) == 1


def test_server_stops_when_its_last_user_is_killed(folder: Path) -> None:
    with user_of(folder) as user:
        pid = server_pid(address_from(user))
        user.kill()
    until(lambda: not is_alive(pid))


def test_data_survives_a_restart(folder: Path) -> None:
    with embedded_redis(folder) as url, client(url) as connection:
        pid = server_pid(url)
        connection.set("kept", "yes")
    until(lambda: not is_alive(pid))
    with embedded_redis(folder) as url, client(url) as connection:
        assert connection.get("kept") == b"yes"


def test_killed_server_is_restarted_with_its_data_and_index(folder: Path) -> None:
    with embedded_redis(folder) as url:
        with client(url) as connection:
            connection.execute_command(*"FT.CREATE idx PREFIX 1 doc: SCHEMA text TEXT".split())
            connection.execute_command("FT.ALIASADD", "alias", "idx")
            connection.hset("doc:1", mapping={"text": "a hive on the roof"})
            connection.execute_command("WAITAOF", 1, 0, 5_000)
        pid = server_pid(url)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not is_alive(pid))

        def found_again() -> bool:
            try:
                with client(url) as connection:
                    return bool(connection.execute_command("FT.SEARCH", "alias", "hive")[0] == 1)
            except redis.RedisError:
                return False

        until(found_again)
        assert server_pid(url) != pid


def test_start_during_another_shutdown_gets_a_server(folder: Path) -> None:
    for _ in range(5):
        with embedded_redis(folder) as url, client(url) as connection:
            assert connection.incr("starts")


def test_socket_of_a_deep_folder_is_a_temporary_file(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = socket_path(deep)
    assert len(os.fsencode(path)) <= embedded.MAX_SOCKET_PATH
    assert socket_path(deep) == path
    assert socket_path(tmp_path / ("d" * 60) / ("f" * 60)) != path
    with embedded_redis(deep) as url, client(url) as connection:
        assert url == f"unix://{path}"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert connection.ping()
        pid = server_pid(url)
    until(lambda: not is_alive(pid))
    path.parent.rmdir()


def test_unsupported_platform_is_reported_with_a_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(StartupError) as caught, embedded_redis(folder):
        pass
    [problem] = caught.value.problems
    assert "embedded Redis is not available on this platform" in problem.what
    assert "docker run" in problem.cure
    assert "REDIS_URL" in problem.cure
    assert not folder.exists()


def test_failed_start_names_the_log_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "appendonlydir").write_text("in the way of the folder that Redis wants to make")
    monkeypatch.setattr(embedded, "START_TIMEOUT", 1.0)
    with pytest.raises(StartupError, match=r"does not start.*redis\.log"), embedded_redis(folder):
        pass
    assert "appendonlydir" in (folder / "redis.log").read_text()


def test_invalid_data_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="DATA_DIR"), embedded_redis(tmp_path / "file" / "data"):
        pass
