"""What every reply promises to whoever waits behind it, whichever platform shows it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from rich.console import Console

from adapters.console import ConsoleReply, JsonReply
from adapters.web.reply import DocumentReply, EventStreamReply
from core.delivery.delivering import Reply, deliver
from core.errors import FootnotedError, ModelBusy, TooLong, TooManyQuestions
from core.vocabulary import Question
from tests.adapters.scripted import ANSWER, FOOTNOTES, PIECES, TEXT, ScriptedAsker
