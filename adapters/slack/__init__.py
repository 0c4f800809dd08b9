"""Slack: mentions, direct messages, threads and slash commands, answered in the thread where they were asked."""
