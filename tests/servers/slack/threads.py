"""Assistant threads: status, title, suggested prompts and session state."""

from tests.servers.slack.calls import ApiError, Call
from tests.servers.slack.objects import Channel, Json
from tests.servers.slack.platform import Method, Methods, Platform, Posted
from tests.servers.slack.requests import channel_of

MOST_LOADING_MESSAGES, MOST_PROMPTS = 10, 4
SESSION_STATUSES = {"active", "processing", "suspended", "closed"}


def set_status(slack: Platform, call: Call) -> Json:
    channel, thread = _thread(slack, call)
    loading = call.arguments.get("loading_messages") or []
    if len(loading) > MOST_LOADING_MESSAGES:
        raise ApiError(
            "invalid_arguments", f"no more than {MOST_LOADING_MESSAGES} items allowed [json-pointer:/loading_messages]"
        )
    posted = Posted(channel.id, thread, str(call.arguments.get("status", "")), tuple(loading), slack.now)
    key = channel.id, thread
    slack.status_history.append(posted)
    slack.statuses.pop(key, None)
    if posted.status:
        slack.statuses[key] = posted
        slack.after(slack.rules.status_lifetime, lambda: _expire(slack, posted))
    slack.changed()
    return {}


def _expire(slack: Platform, posted: Posted) -> None:
    if slack.statuses.get((posted.channel, posted.thread_ts)) is posted:
        del slack.statuses[posted.channel, posted.thread_ts]


def set_suggested_prompts(slack: Platform, call: Call) -> Json:
    if not slack.rules.is_agent:
        raise ApiError("not_agent_app")
    prompts = call.arguments["prompts"]
    if not isinstance(prompts, list) or not all(isinstance(p, dict) and p.get("title") for p in prompts):
        raise ApiError("invalid_arguments", "must provide an object [json-pointer:/prompts]")
    if not all(isinstance(p.get("message"), str) for p in prompts):
        raise ApiError("invalid_arguments", "missing required field: message [json-pointer:/prompts/0]")
    if len(prompts) > MOST_PROMPTS:
        raise ApiError("invalid_arguments", f"no more than {MOST_PROMPTS} items allowed [json-pointer:/prompts]")
    if call.arguments.get("thread_ts"):
        channel, thread = _thread(slack, call)
        slack.prompts[channel.id, thread] = prompts
    else:
        slack.prompts[channel_of(slack, call, "channel_id").id, None] = prompts
    slack.changed()
    return {}


def set_title(slack: Platform, call: Call) -> Json:
    channel, thread = _thread(slack, call)
    slack.titles[channel.id, thread] = str(call.arguments["title"])
    slack.changed()
    return {}


def rename_session(slack: Platform, call: Call) -> Json:
    channel = channel_of(slack, call, "channel_id")
    slack.titles[channel.id, str(call.arguments.get("thread_ts", ""))] = str(call.arguments["title"])
    slack.changed()
    return {}


def set_session_status(slack: Platform, call: Call) -> Json:
    channel = channel_of(slack, call, "channel_id")
    if not slack.rules.is_agent:
        raise ApiError("not_authorized")
    if call.arguments["status"] not in SESSION_STATUSES:
        raise ApiError("invalid_status")
    if not call.arguments.get("thread_ts"):
        raise ApiError("thread_ts_required")
    slack.sessions[channel.id, str(call.arguments["thread_ts"])] = call.arguments["status"]
    if call.arguments["status"] != "processing":
        slack.statuses.pop((channel.id, str(call.arguments["thread_ts"])), None)
    slack.changed()
    return {}


def _thread(slack: Platform, call: Call) -> tuple[Channel, str]:
    """Return the thread that the call names, which may be a message without replies."""
    channel = channel_of(slack, call, "channel_id")
    if call.by.bot.id not in channel.members:
        raise ApiError("channel_not_found")
    message = slack.store.message(channel.id, str(call.arguments["thread_ts"]))
    if message is None:
        raise ApiError("invalid_thread_ts")
    return channel, message.root


THREAD = ("channel_id", "thread_ts")
METHODS: Methods = {
    # An empty status is allowed: it clears the status.
    "assistant.threads.setStatus": Method(set_status, ("chat:write", "assistant:write"), THREAD, tier=0),
    "assistant.threads.setSuggestedPrompts": Method(
        set_suggested_prompts, ("assistant:write",), ("channel_id", "prompts"), tier=4
    ),
    "assistant.threads.setTitle": Method(set_title, ("assistant:write",), (*THREAD, "title"), tier=4),
    "agents.sessions.rename": Method(rename_session, ("chat:write",), ("channel_id", "title"), tier=3),
    "agents.sessions.setStatus": Method(set_session_status, ("chat:write",), ("channel_id", "status"), tier=3),
}
