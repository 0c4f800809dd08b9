"""Each loopback server can be started from the command line, as the benchmarks do."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest


@pytest.mark.parametrize("module", ["openai", "blog", "slack", "discord"])
async def test_a_server_is_a_process_too(module: str, folder: Path, web: aiohttp.ClientSession) -> None:
    arguments = {"openai": ["--tokens-per-second", "50"], "blog": [str(folder)], "slack": [], "discord": []}[module]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.servers.{module}", *arguments, "--port", "0"),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        address = (await process.stdout.readline()).decode().strip()
        address += {"openai": "/models", "blog": "", "slack": "auth.test", "discord": "/gateway"}[module]
        async with web.get(address, headers={"Authorization": "Bearer key"}) as response:
            assert response.status == 200
    finally:
        process.terminate()
        await process.wait()
