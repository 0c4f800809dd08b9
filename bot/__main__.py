"""Entry point of `python -m bot` and of the `footnoted` console script."""


def main() -> None:
    """Run the command line interface."""
    # Imported here because parser processes import this module as well, and need none of the commands.
    from bot.cli.main import app

    app()


if __name__ == "__main__":
    main()
