"""Settings: the environment, `.env` and `footnoted.toml`."""
