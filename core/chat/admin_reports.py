"""What admins can ask for in a chat, each answered to them alone: runs, statistics and gaps."""

from typing import Literal, get_args

from core.chat.overview import Overview
from core.chat.run_texts import history_text, status_text
from core.chat.services import ChatServices
from core.chat.texts import NO_RUN
from core.domain import Conversation, Person
from core.i18n import N_, gettext

ReportName = Literal["status", "history", "stats", "gaps"]
REPORT_NAMES: tuple[ReportName, ...] = get_args(ReportName)

DAYS = 7
MAX_GAPS = 20

NO_GAPS = N_("There are no unanswered questions to show from the last {days} days.")
UNGROUPED = N_("The unanswered questions cannot be grouped right now. Please try again in a minute.")


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
            return gaps_text(await services.overview(person, conversation, DAYS))


def gaps_text(overview: Overview) -> str:
    """Return the unanswered questions in Markdown, or why there are none."""
    if overview.gaps is None:
        return gettext(UNGROUPED)
    return overview.gaps_text(MAX_GAPS) or gettext(NO_GAPS).format(days=overview.days)
