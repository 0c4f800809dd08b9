"""The bot on Slack. The SDK is imported with this module, and by nothing else."""

from adapters.slack.app import Access, SlackBot
from bot.app import Bot


def build(bot: Bot) -> SlackBot:
    """The Slack bot of the settings; nothing is asked of Slack yet."""
    settings = bot.settings
    token, app, signing = settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret
    access = Access(
        bot_token=token.get_secret_value() if token else "",
        app_token=app.get_secret_value() if app else "",
        signing_secret=signing.get_secret_value() if signing else "",
        api_url=settings.slack_api_url,
        sockets=settings.slack_sockets,
        admins=frozenset(settings.slack_admins),
    )
    return SlackBot(bot.chat_services("slack"), access)
