"""chat.startStream, chat.appendStream and chat.stopStream."""

from dataclasses import dataclass
from typing import Any, Literal

from tests.servers.slack.blocks import BLOCKS_TEXT, MOST_BLOCKS, check_blocks, with_ids
from tests.servers.slack.calls import ApiError, Call
from tests.servers.slack.chat import metadata_of, new_message, options_of, postable_channel, publish, thread_of
from tests.servers.slack.events import message_changed
from tests.servers.slack.objects import Channel, Json, Message
from tests.servers.slack.payloads import message_payload
from tests.servers.slack.platform import Method, Methods, Platform
from tests.servers.slack.requests import channel_of

LONGEST_PIECE = 12_000
TASK_STATUSES = {"pending", "in_progress", "complete", "error"}
TASK_MODES = {"timeline", "plan", "dense"}
Mode = Literal["text", "chunks"]


@dataclass(slots=True, eq=False)
class Stream:
    """The state of a streamed message. The first piece sets its mode."""

    message: Message
    mode: Mode | None = None
    end: Literal["stopped", "expired", "stopped_by_user"] | None = None


class Streams:
    """The streams of one Slack, by channel and ts."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str], Stream] = {}

    def open(self, slack: Platform, stream: Stream) -> None:
        message = stream.message
        message.streaming = message.streamed = True
        self._streams[message.channel, message.ts] = stream
        slack.sessions[message.channel, message.root] = "processing"
        slack.after(slack.rules.stream_lifetime, lambda: self.close(stream, "expired"))

    @staticmethod
    def close(stream: Stream, end: Literal["stopped", "expired", "stopped_by_user"]) -> None:
        """End the stream; a later end does not override the first."""
        stream.end = stream.end or end
        stream.message.streaming = False

    def get(self, channel: str, ts: str) -> Stream | None:
        return self._streams.get((channel, ts))

    def open_in(self, channel: str, thread_ts: str) -> list[Stream]:
        """Return the open streams of a thread."""
        streams = [s for (where, _), s in self._streams.items() if where == channel and not s.end]
        return [stream for stream in streams if stream.message.root == thread_ts and not stream.message.deleted]

    def start(self, slack: Platform, call: Call) -> Json:
        channel = postable_channel(slack, call)
        given = call.arguments
        if channel.kind != "im":
            _check_recipient(slack, call)
        if given.get("task_display_mode", "timeline") not in TASK_MODES:
            raise ApiError("invalid_arguments", "must be a valid enum value [json-pointer:/task_display_mode]")
        mode, text, chunks = _piece_of(call)
        if len(text) > slack.rules.stream_limit:
            raise ApiError("msg_too_long")
        thread = thread_of(slack, channel, given.get("thread_ts"))
        message = new_message(slack, call.by, channel, {"text": text}, thread)
        message.chunks, message.options = chunks, options_of(call)
        self.open(slack, Stream(message, mode))
        publish(slack, message, channel)
        return {"channel": channel.id, "ts": message.ts}

    def append(self, slack: Platform, call: Call) -> Json:
        channel, stream = self._open_stream(slack, call)
        mode, text, chunks = _piece_of(call)
        if mode is None:
            raise ApiError("markdown_text_or_chunks_required")
        _append(slack, stream, mode, text, chunks)
        slack.changed()
        return {"channel": channel.id, "ts": stream.message.ts}

    def stop(self, slack: Platform, call: Call) -> Json:
        channel, stream = self._open_stream(slack, call)
        message, given = stream.message, call.arguments
        before = message_payload(message)
        mode, text, chunks = _piece_of(call)
        blocks = given.get("blocks") or []
        if isinstance(blocks, list) and len(blocks) > MOST_BLOCKS:
            raise ApiError("msg_blocks_too_many")
        blocks, metadata = with_ids(check_blocks(blocks)), metadata_of(given.get("metadata"))
        if not (message.text + text).strip() and not (blocks or chunks or message.chunks):
            raise ApiError("no_text")
        if mode:
            _append(slack, stream, mode, text, chunks)
        message.blocks, message.metadata = blocks, metadata
        self.close(stream, "stopped")
        slack.sessions[channel.id, message.root] = given.get("session_status", "active")
        slack.dispatch(message_changed(slack.store, message, before, channel), channel.team, channel)
        slack.changed()
        return {"channel": channel.id, "ts": message.ts, "message": message_payload(message, metadata=True)}

    def _open_stream(self, slack: Platform, call: Call) -> tuple[Channel, Stream]:
        """Return the caller's open stream that the call names."""
        channel = channel_of(slack, call)
        message = slack.store.message(channel.id, str(call.arguments["ts"]))
        if message is None:
            raise ApiError("message_not_found")
        if message.app_id != call.by.app.id:
            raise ApiError("message_not_owned_by_app")
        stream = self.get(channel.id, message.ts)
        if stream and stream.end == "stopped_by_user":
            raise ApiError("stopped_by_user" if call.method == "chat.appendStream" else slack.rules.stop_after_stop)
        if stream is None or stream.end:
            raise ApiError("message_not_in_streaming_state")
        return channel, stream

    @property
    def methods(self) -> Methods:
        return {
            "chat.startStream": Method(self.start, ("chat:write",), ("channel", "thread_ts"), tier=2),
            "chat.appendStream": Method(self.append, ("chat:write",), ("channel", "ts"), tier=4),
            "chat.stopStream": Method(self.stop, ("chat:write",), ("channel", "ts"), tier=2),
        }


def _check_recipient(slack: Platform, call: Call) -> None:
    """Require the recipient's user and team ids for streams in channels."""
    given = call.arguments
    if not given.get("recipient_team_id"):
        raise ApiError("missing_recipient_team_id")
    if not given.get("recipient_user_id"):
        raise ApiError("missing_recipient_user_id")
    if given["recipient_team_id"] not in slack.store.teams:
        raise ApiError("team_not_found")
    if given["recipient_user_id"] not in slack.store.users:
        raise ApiError("user_not_found")


def _piece_of(call: Call) -> tuple[Mode | None, str, list[Json]]:
    """Return the mode, text and chunks of an append; the mode is None without content."""
    text, chunks = call.arguments.get("markdown_text"), call.arguments.get("chunks")
    if text and chunks:
        raise ApiError("cannot_provide_both_markdown_text_and_chunks")
    if text:
        if len(text) > LONGEST_PIECE:
            raise ApiError("msg_too_long")
        return "text", text, []
    if not chunks:
        return None, "", []
    if not isinstance(chunks, list) or not all(_is_chunk(chunk) for chunk in chunks):
        raise ApiError("invalid_chunks")
    text = "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")
    if len(text) > LONGEST_PIECE:
        raise ApiError("msg_too_long")
    return "chunks", text, chunks


def _is_chunk(chunk: Any) -> bool:
    match chunk:
        case {"type": "markdown_text", "text": str()} | {"type": "plan_update", "title": str()}:
            return True
        case {"type": "task_update", "id": str(), "title": str(), "status": status}:
            return status in TASK_STATUSES
        case {"type": "blocks", "blocks": list(blocks)}:
            check_blocks(blocks)
            return True
    return False


def _append(slack: Platform, stream: Stream, mode: Mode, text: str, chunks: list[Json]) -> None:
    message = stream.message
    if stream.mode and mode != stream.mode:
        raise ApiError("streaming_mode_mismatch")
    if len(message.text) + len(text) > min(slack.rules.stream_limit, BLOCKS_TEXT):
        raise ApiError("msg_too_long")
    stream.mode = mode
    message.chunks += chunks
    if text:
        message.show(message.text + text)
