"""Discord: slash commands, mentions, replies, direct messages and forum posts, answered where they were asked."""
