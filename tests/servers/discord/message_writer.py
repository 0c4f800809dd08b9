"""Creates and edits the bot's messages for all routes."""

from tests.servers.discord.errors import ApiError, Form
from tests.servers.discord.http import Call
from tests.servers.discord.mentions import mentions_in
from tests.servers.discord.message_rules import SETTABLE, check_message, flags_of, refuse_empty
from tests.servers.discord.objects import Channel, Flag, Json, Message
from tests.servers.discord.platform import Platform

EDITABLE = Flag.SUPPRESS_EMBEDS | Flag.COMPONENTS_V2


class MessageWriter:
    """`default` stands in for a missing `allowed_mentions`."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def create(self, channel: Channel, body: Json, call: Call, default: Json, *, settable: int = SETTABLE,
               reply_to: Message | None = None, prefix: str = "") -> Message:  # fmt: skip
        """Create a message without posting it; raise ApiError if it is invalid."""
        flags = flags_of(body, prefix) & settable
        check_message(body, files=len(call.files), flags=flags, prefix=prefix)
        store = self.platform.store
        message = Message(store.snowflake(), channel, store.bot, flags=flags, reply_to=reply_to)
        self._fill(message, body)
        message.attachments = self._attachments(message, body, call, [])
        self._mention(message, body, default)
        return message

    def change(self, message: Message, body: Json, call: Call, default: Json, *, marked: bool = True,
               prefix: str = "") -> Message:  # fmt: skip
        """Edit a message; parts that the body omits stay unchanged."""
        wanted, flags = flags_of(body, prefix), message.flags
        flags = flags if body.get("flags") is None else flags & ~EDITABLE | wanted & EDITABLE
        if message.has(Flag.COMPONENTS_V2) and not flags & Flag.COMPONENTS_V2:
            form = Form(prefix)
            form.fault("flags", "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", "The components V2 flag cannot be removed")
            form.check()
        check_message(body, edits=True, flags=flags, prefix=prefix)
        kept = {"content": message.content, "embeds": message.embeds, "components": message.components}
        attachments = self._attachments(message, body, call, message.attachments)
        refuse_empty(kept | {name: body[name] for name in kept if name in body}, len(attachments))
        self._fill(message, body)
        message.attachments = attachments
        if "content" in body or "components" in body:
            self._mention(message, body, default)
        return self.platform.revise(message, marked=marked, flags=flags & ~Flag.LOADING)

    def _fill(self, message: Message, body: Json) -> None:
        if "content" in body:
            message.content = (body["content"] or "").strip()
        if "embeds" in body:
            message.embeds = [{"type": "rich"} | embed for embed in body["embeds"] or ()]
        if "components" in body:
            message.components = list(body["components"] or ())

    def _mention(self, message: Message, body: Json, default: Json) -> None:
        allowed = body.get("allowed_mentions")
        allowed = default if allowed is None else allowed
        replied = message.reply_to.author if message.reply_to and not message.webhook_name else None
        message.mentions = mentions_in(self.platform.store, message.channel, message.author, message.content,
                                       message.components, allowed, replied)  # fmt: skip

    def _attachments(self, message: Message, body: Json, call: Call, before: list[Json]) -> list[Json]:
        """Return the attachments that the body keeps, and the uploaded files."""
        named = body.get("attachments")
        keep = before if named is None else [one for one in before if one["id"] in {str(it.get("id")) for it in named}]
        if len(keep) + len(call.files) > 10:
            raise ApiError(30015)
        return keep + [self._attachment(message, name, content) for name, content in call.files]

    def _attachment(self, message: Message, name: str, content: bytes) -> Json:
        attachment_id = str(self.platform.store.snowflake())
        url = f"https://cdn.example/attachments/{message.channel.id}/{attachment_id}/{name}"
        return {"id": attachment_id, "filename": name, "size": len(content), "url": url, "proxy_url": url}


def refuse_old(platform: Platform, message: Message, edits: dict[int, list[float]], now: float) -> None:
    """Raise 30046 once the channel's hourly edits of old messages are used up."""
    if not platform.old_edit(message):
        return
    recent = [at for at in edits.get(message.channel.id, []) if now - at < 3600]
    if len(recent) >= platform.rules.old_edits:
        raise ApiError(30046, retry_after=round(min(recent, default=now) + 3600 - now, 3))
    edits[message.channel.id] = [*recent, now]
