"""placeholder"""

from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.buttons import Click
from adapters.slack.names import Names
from core.chatting.desk import Desk


class Admin:
    def __init__(self, client: AsyncWebClient, desk: Desk, names: Names, admins: frozenset[str]) -> None: ...
    async def command(self, command: Mapping[str, Any]) -> None: ...
    async def cancel(self, click: Click) -> None: ...
