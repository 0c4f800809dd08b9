"""The loopback servers that benchmarks start from the command line."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest


@pytest.mark.parametrize("module", ["openai", "blog"])
async def test_stand_in_runs_as_a_process(module: str, folder: Path, web: aiohttp.ClientSession) -> None:
    arguments = {"openai": ["--tokens-per-second", "50"], "blog": [str(folder)]}[module]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.servers.{module}", *arguments, "--port", "0"),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        address = (await process.stdout.readline()).decode().strip()
        address += {"openai": "/models", "blog": ""}[module]
        async with web.get(address, headers={"Authorization": "Bearer key"}) as response:
            assert response.status == 200
    finally:
        process.terminate()
        await process.wait()
