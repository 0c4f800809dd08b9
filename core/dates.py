"""Dates as people read them."""

from datetime import datetime

from core.i18n import N_, gettext

_MONTHS = (
    N_("January {year}"),
    N_("February {year}"),
    N_("March {year}"),
    N_("April {year}"),
    N_("May {year}"),
    N_("June {year}"),
    N_("July {year}"),
    N_("August {year}"),
    N_("September {year}"),
    N_("October {year}"),
    N_("November {year}"),
    N_("December {year}"),
)


def month_text(moment: datetime) -> str:
    """Return the month and year in the language of the person who reads it: "March 2023"."""
    return gettext(_MONTHS[moment.month - 1]).format(year=moment.year)
