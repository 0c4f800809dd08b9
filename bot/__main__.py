"""`python -m bot`, and the console script."""

from importlib import import_module


def main() -> None:
    """Runs the command. What the commands need is imported only here: the processes that take pages apart import this
    module as well, and need none of it."""
    import_module("bot.cli.main").app()


if __name__ == "__main__":
    main()
