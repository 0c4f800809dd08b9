"""HTTP mode: signed POST requests to the app's URL, with retries."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.servers.slack.deliveries import Attempt, Delivery, Kind
from tests.servers.slack.objects import Json
from tests.servers.slack.platform import Platform

MOST_REDIRECTS = 2
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class HttpMode:
    """Delivers by HTTP. `urls` has the app's URL per kind of delivery."""

    def __init__(self, slack: Platform) -> None:
        self.urls: dict[Kind, str] = {}
        self._slack = slack
        self._session: aiohttp.ClientSession | None = None

    def use(self, url: str) -> None:
        """Deliver everything to this URL instead of over sockets."""
        self.urls = {"events_api": url, "slash_commands": url, "interactive": url}

    async def verify(self) -> bool:
        """Return whether the app answers Slack's URL verification challenge."""
        challenge = secrets.token_urlsafe(32)
        body = {"token": "verification-token", "challenge": challenge, "type": "url_verification"}
        async with self.post("events_api", body) as response:
            if response.status != 200:
                return False
            text = await response.text()
            with suppress(ValueError):
                return bool(json.loads(text)["challenge"] == challenge)
            return text == challenge

    async def forge(self, kind: Kind, payload: Json, *, secret: str | None = None, age: float = 0,
                    signature: str | None = None) -> int:  # fmt: skip
        """Send a request with another secret, age or signature; return the app's HTTP status."""
        async with self.post(kind, payload, secret=secret, age=age, signature=signature) as response:
            return response.status

    @asynccontextmanager
    async def post(self, kind: Kind, payload: Json, headers: Mapping[str, str] | None = None, *,
                   secret: str | None = None, age: float = 0,
                   signature: str | None = None) -> AsyncIterator[aiohttp.ClientResponse]:  # fmt: skip
        """Send a signed request to the app."""
        body, content_type = _body(kind, payload)
        timestamp = str(int(time.time() - age))
        signed = signature or sign(secret or self._slack.signing_secret, timestamp, body)
        own = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        own |= {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signed} | dict(headers or {})
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=self._slack.rules.ack_deadline)
        posting = self._session.post(
            self.urls[kind], data=body.encode(), headers=own, timeout=timeout, max_redirects=MOST_REDIRECTS + 1
        )
        async with posting as response:
            yield response

    async def carry(self, delivery: Delivery, attempt: Attempt) -> None:
        headers = {}
        if attempt.number:
            headers = {"X-Slack-Retry-Num": str(attempt.number), "X-Slack-Retry-Reason": attempt.reason}
        try:
            async with self.post(delivery.kind, delivery.payload, headers) as response:
                attempt.status = response.status
                attempt.final = response.headers.get("X-Slack-No-Retry") == "1"
                answer = _answer(await response.text())
            if 200 <= response.status < 300:
                attempt.acknowledge(self._slack.now, answer)
            else:
                attempt.failure = "http_error"
        except TimeoutError:
            attempt.failure = "http_timeout"
        except aiohttp.TooManyRedirects:
            attempt.failure = "too_many_redirects"
        except aiohttp.ClientError:
            attempt.failure = "connection_failed"

    async def close(self) -> None:
        if self._session:
            await self._session.close()


def sign(secret: str, timestamp: str, body: str) -> str:
    """Return a version 0 request signature."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


def _body(kind: Kind, payload: Json) -> tuple[str, str]:
    """Encode events as JSON, commands as a form and interactions as a form with a JSON payload."""
    if kind == "events_api":
        return json.dumps(payload), JSON
    return urlencode(payload if kind == "slash_commands" else {"payload": json.dumps(payload)}), FORM


def _answer(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None
