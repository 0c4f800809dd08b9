"""Where an answer goes: a channel, a thread or a direct conversation; for one person alone, or for all who read
there."""

from dataclasses import dataclass

from core.domain import Conversation


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Plain JSON, so that another process can go on there. All names are Discord's ids; what there is none of is empty.

    `channel` is where messages are written; in a thread, `parent` is the channel that it belongs to. `question` is the
    message that is answered. With the `token` of an interaction messages are written without any permission in the
    channel, until `until` (seconds since 1970); `original` is the message that Discord calls its @original, and
    `promised` says that this one is still to be filled. `writable` says whether the bot may write there without a
    token.
    """

    channel: str
    user: str
    guild: str = ""
    parent: str = ""
    question: str = ""
    application: str = ""
    token: str = ""
    until: float = 0.0
    original: str = ""
    promised: bool = False
    private: bool = False
    writable: bool = True

    @property
    def conversation(self) -> Conversation:
        """Threads belong to their channel. What is asked for oneself alone is a conversation of its own."""
        thread = f"private:{self.user}" if self.private else self.channel if self.parent else ""
        return Conversation("discord", self.parent or self.channel, self.guild, thread)

    @property
    def outlives_token(self) -> bool:
        """Whether an answer can go on where it is when the token's time is over."""
        return self.writable and not self.private
