"""What admins can ask for in a chat, each answered to them alone: runs, statistics and gaps."""

from typing import Literal, get_args

from core.chat.run_texts import history_text, status_text
from core.chat.services import ChatServices
from core.chat.texts import NO_RUN
from core.domain import Conversation, Person
from core.i18n import gettext

ReportName = Literal["status", "history", "stats", "gaps"]
REPORT_NAMES: tuple[ReportName, ...] = get_args(ReportName)

DAYS = 7


async def admin_report(services: ChatServices, name: ReportName, person: Person, conversation: Conversation) -> str:
    """Return a report in Markdown, as far as the conversation's channel may see it.

    Raises AdminRequiredError and RedisError.
    """
    sources = services.visible_sources(conversation)
    match name:
        case "status":
            status = await services.run_status(person)
            return status_text(status, sources) if status else gettext(NO_RUN)
        case "history":
            return history_text(await services.run_history(person), sources)
        case "stats":
            return (await services.overview(person, conversation, DAYS)).stats_text()
        case "gaps":
            return (await services.overview(person, conversation, DAYS)).gaps_report()
