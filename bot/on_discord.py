"""The bot on Discord. The SDK is imported with this module, and by nothing else."""

from adapters.discord.app import Access, DiscordBot
from bot.app import Bot
from bot.config.types import shards_of


def build(bot: Bot) -> DiscordBot:
    """The Discord bot of the settings; nothing is asked of Discord yet."""
    settings = bot.settings
    token = settings.discord_bot_token
    shards, count = shards_of(settings.discord_shards) if settings.discord_shards else ((), None)
    access = Access(
        bot_token=token.get_secret_value() if token else "",
        api_url=settings.discord_api_url or "",
        gateway_url=settings.discord_gateway_url or "",
        guilds=tuple(map(int, settings.discord_guilds)),
        shards=shards,
        shard_count=count,
        admins=frozenset(settings.discord_admins),
    )
    return DiscordBot(bot.chat_services("discord"), access)
