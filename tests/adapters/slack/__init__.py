"""The bot on a loopback Slack."""
