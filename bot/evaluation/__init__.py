"""Measuring the bot on questions whose right posts are known."""
