"""`footnoted search`: the posts that match best, without an answer."""

from rich.console import Console
from rich.text import Text

from adapters.console import print_json, readable
from bot.app import Bot
from bot.cli.exit_codes import OK
from core.chat.documents import match_document

JSON_KEYS = ("url", "title", "text", "score", "confidence")


async def search(bot: Bot, question: str, k: int, out: Console, json: bool = False) -> int:
    """Print at most `k` posts, best first; return the exit code."""
    results = await bot.retriever.search(question)
    posts = results.posts[:k]
    if json:
        documents = [{**match_document(match), "confidence": results.confidence} for match in posts]
        print_json([{key: document[key] for key in JSON_KEYS} for document in documents])
        return OK
    for rank, match in enumerate(posts, start=1):
        title, url = readable(match.passage.title), readable(match.passage.url)
        out.print(Text.assemble((f"{rank:2}. ", "bold cyan"), title, (f"  {match.score:.2f}", "dim")))
        out.print(Text(f"    {url}", style="dim"), soft_wrap=True)
    if not posts:
        out.print("No matching posts.")
    return OK
