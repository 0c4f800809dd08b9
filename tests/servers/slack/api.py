"""The Web API endpoint: records, checks, runs and answers each call, or injects a fault."""

from collections.abc import Mapping

from aiohttp import web

from tests.servers.loopback import Loopback, Slow, Status, hang_up
from tests.servers.slack.calls import ApiError, Call, Dropped, Error, RateLimited
from tests.servers.slack.objects import Json
from tests.servers.slack.payloads import scopes_header
from tests.servers.slack.platform import Method, Methods, Platform
from tests.servers.slack.rate_limits import Rates
from tests.servers.slack.requests import arguments_of, authorize, check_required, token_of


class WebApi:
    """Everything under `/api/`."""

    def __init__(self, slack: Platform, server: Loopback, methods: Methods, rates: Rates) -> None:
        self._slack, self._server, self._methods, self._rates = slack, server, methods, rates

    async def serve(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.match_info["method"], {}, "", self._slack.now)
        try:
            call.arguments = await arguments_of(request)
        except ApiError as refused:
            self._slack.calls.append(call)
            return self._refuse(call, refused)
        call.token = token_of(request, call.arguments)
        self._slack.calls.append(call)
        try:
            return await self._answer(request, call)
        except ApiError as refused:
            return self._refuse(call, refused)
        finally:
            self._slack.changed()

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        match self._slack.next_reply(call.method):
            case RateLimited(retry_after):
                raise ApiError("ratelimited", status=429, retry_after=retry_after)
            case Error(error, messages):
                raise ApiError(error, *messages)
            case Status() as how:
                call.error, call.status = how.code or str(how.status), how.status
                return web.Response(status=how.status, headers=how.headers, text=how.message, content_type="text/html")
            case Dropped(after):
                if after:
                    self._run(call)
                call.error, call.status = "dropped", 0
                return hang_up(request)
            case Slow(seconds):
                await self._server.pause(seconds)
        call.answer = {"ok": True} | self._run(call)
        return web.json_response(call.answer, headers=self._headers(call))

    def _run(self, call: Call) -> Json:
        method = self._methods.get(call.method)
        refusal = self._slack.refusals.get(call.method)
        if method is None or refusal == "unknown_method":
            raise ApiError("unknown_method", req_method=call.method)
        call.caller = authorize(self._slack, call, method)
        self._rates.check(call, method)
        if refusal:
            raise ApiError(refusal)
        check_required(call.arguments, method.required)
        return method.run(self._slack, call)

    def _refuse(self, call: Call, refused: ApiError) -> web.Response:
        call.error, call.status, call.answer = refused.error, refused.status, refused.body
        headers = self._headers(call)
        if refused.retry_after is not None:
            headers |= {"Retry-After": str(refused.retry_after)}
        self._slack.changed()
        return web.json_response(refused.body, status=refused.status, headers=headers)

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {"x-slack-req-id": f"req-{len(self._slack.calls)}"}
        if call.caller:
            accepted: Mapping[str, Method] = self._methods
            headers["x-oauth-scopes"] = scopes_header(call.caller.scopes)
            headers["x-accepted-oauth-scopes"] = scopes_header(accepted[call.method].scopes)
        return headers
