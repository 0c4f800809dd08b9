"""`footnoted draft-questions`: a first version of an operator's own questions file."""

from collections import Counter

from rich.console import Console

from bot.app import Bot
from bot.cli.exit_codes import FAILED, OK
from bot.evaluation.drafts import draft_questions

ORIGINS = {"log": "from questions that were not answered", "heading": "from headings", "model": "by the language model"}


async def print_drafts(bot: Bot, most: int, err: Console) -> int:
    """Print the drafts as JSON Lines, and where they come from to the error output; return the exit code."""
    with err.status("Drafting questions"):
        drafts = await draft_questions(bot, most)
    for draft in drafts:
        print(draft.model_dump_json(exclude_defaults=True))  # noqa: T201
    counts = Counter(draft.draft for draft in drafts)
    parts = [f"{counts[origin]} {meaning}" for origin, meaning in ORIGINS.items() if counts[origin]]
    if not parts:
        err.print("No questions could be drafted: no heading is a question, and no language model is configured.")
        return FAILED
    err.print(f"{', '.join(parts)}. Check every line, and remove its key draft.", style="dim")
    return OK
