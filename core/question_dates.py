"""Questions about dates, in the languages of the bot: "What's new since March?", "the latest post on bees"."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NEWS = (
    r"what(?:'s|’s| is| has been| was)? (?:new|changed|been (?:published|posted|written))|anything new|news"
    r"|was (?:gibt es|gibt['’]s|ist) neu\w*|neuigkeiten|neues|qu[ée] hay de nuevo|novedades|quoi de neuf|nouveaut[ée]s"
    r"|novità|cosa c['’]è di nuovo|o que há de novo|novidades|wat is er nieuw|nieuws|что нового|новости"
)
_MANY = (
    r"(?:blog ?)?posts|articles|entries|(?:blog)?beitr[äa]ge|artikel|eintr[äa]ge|entradas|art[íi]culos|publicaciones"
    r"|billets|publications|articoli|pubblicazioni|artigos|publicações|berichten|посты|статьи|записи"
)
_POSTS = (
    rf"{_MANY}|(?:blog ?)?post|article|entry|(?:blog)?beitrag|eintrag|entrada|art[íi]culo|publicación|billet"
    r"|publication|articolo|pubblicazione|artigo|publicação|bericht|пост|статья|запись"
)
_NEWEST = (
    r"latest|newest|most recent|last|neueste[rns]?|letzte[rns]?|aktuellste[rns]?|jüngste[rns]?|[úu]ltim[oaie]s?"
    r"|m[áa]s recientes?|derni(?:er|ère)s?|plus récents?|più recent[ei]|mais recentes?|laatste|nieuwste|meest recente"
    r"|последн\w+|сам\w+ нов\w+|свеж\w+"
)
_SINCE = r"since|after|seit|nach|desde|después de|depuis|après|dopo|dal|dalla|da|depois de|sinds|na|vanaf|с|со|после"
_IN = r"in|from|during|im|von|vom|aus|en|de|du|di|del|em|van|uit|за|в"
_BEFORE = r"before|vor|antes de|avant|prima di|prima del|voor|до"
_CJK_SINCE = "以降|から|以来|之后|以后"
_CJK_NEWS, _CJK_POSTS, _CJK_NEWEST = "何か新し|新着|有什么新", "記事|投稿|ブログ|文章|帖子|博客", "最新|最近|最後"

_ABOUT_POSTS = re.compile(rf"(?<!\w)(?:{_NEWS}|{_MANY})(?!\w)|{_CJK_NEWS}|{_CJK_POSTS}", re.IGNORECASE)
_NEWS_WORDS = re.compile(rf"(?<!\w)(?:{_NEWS})(?!\w)|{_CJK_NEWS}", re.IGNORECASE)
_NEWEST_POST = re.compile(
    rf"(?<!\w)(?:{_NEWEST})\s+(?:\w+\s+)?(?:{_POSTS})(?!\w)|(?<!\w)(?:{_POSTS})\s+(?:{_NEWEST})(?!\w)"
    rf"|(?:{_CJK_NEWEST})[の的]?(?:{_CJK_POSTS})",
    re.IGNORECASE,
)
_TIMES = tuple(
    re.compile(rf"(?=(?<!\w)(?P<word>{words})\s+(?P<date>[^?!,;]{{2,40}}))", re.IGNORECASE)
    for words in (_SINCE, _BEFORE, _IN)
)
_CJK_TIME = re.compile(
    rf"(?P<date>(?:\d{{4}}年)?\d{{1,2}}月(?:\d{{1,2}}日)?|\d{{4}}年|先週|先月|昨年|上周|上个月|去年|昨天)(?P<word>{_CJK_SINCE}|)"
)
_LAST = re.compile(r"\bin the (?:last|past) (?P<date>(?:\w+ )?(?:day|week|month|year)s?)\b", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?\Z")
_FILLER = re.compile(
    rf"(?<!\w)(?:{_NEWS}|{_NEWEST}|{_POSTS}|what(?:['’]s)?|which|show me|tell me|list|are|is|was|were|there|published"
    r"|written|the|your|on the blog|about|on|gibt es|die|der|das|den|dem|zu|über|le|les|des|sur|il y a|los|las|el|la"
    r"|sobre|hay|gli|il|i|su|os|as|o|a|over|de|het|о|об|про)(?!\w)"
    rf"|{_CJK_NEWS}|{_CJK_POSTS}|{_CJK_NEWEST}|{_CJK_SINCE}|について|关于|的|有什么|何",
    re.IGNORECASE,
)
_EDGES = re.compile(r"\A[\W_]+|(?:[\W_]|[のはをが了])+\Z")
MAX_WORDS = 4
"""Words that a date may have."""


@dataclass(frozen=True, slots=True)
class DatedQuestion:
    """A question for posts of a time, or for the newest ones. `topic` is what they are about, empty for anything."""

    topic: str
    since: datetime | None = None
    until: datetime | None = None


def is_about_posts(text: str) -> bool:
    """Return whether a question asks for posts or news, as every question about dates does. Fast."""
    return bool(_NEWEST_POST.search(text) or _ABOUT_POSTS.search(text))


def dated_question(text: str, languages: tuple[str, ...], now: datetime | None = None) -> DatedQuestion | None:
    """Return what a question says about dates; None if it does not ask for posts by their date. Slow at first use."""
    if not is_about_posts(text):
        return None
    newest = bool(_NEWEST_POST.search(text))
    now = now or datetime.now(UTC)
    if last := _LAST.search(text):
        ago = _parsed(f"{last['date'] if ' ' in last['date'] else '1 ' + last['date']} ago", ("en",), now)
        if ago:
            return DatedQuestion(_topic(text[: last.start()] + text[last.end() :]), ago[0])
    for times in (*_TIMES, _CJK_TIME):
        for found in times.finditer(text):
            if span := _span(found["date"], languages, now):
                since, until, words = span
                topic = _topic(f"{text[: found.start()]} {text[found.start('date') + len(words) :]}")
                if times is _TIMES[0] or (times is _CJK_TIME and found["word"]):
                    return DatedQuestion(topic, since)
                return DatedQuestion(topic, None, since) if times is _TIMES[1] else DatedQuestion(topic, since, until)
    topic = _topic(text)
    return DatedQuestion(topic) if newest or (_NEWS_WORDS.search(text) and not topic) else None


def _topic(text: str) -> str:
    words = " ".join(_FILLER.sub(" ", text).split())
    return _EDGES.sub("", words) if re.search(r"\w{2}|[\u3040-\u9fff]", _EDGES.sub("", words)) else ""


def _span(text: str, languages: tuple[str, ...], now: datetime) -> tuple[datetime, datetime, str] | None:
    """Return the time that the longest beginning of a text names, from and to, with that beginning."""
    words = text.split()
    for count in range(min(MAX_WORDS, len(words)), 0, -1):
        part = " ".join(words[:count])
        if (span := _iso(part) or _parsed(part, languages, now)) is not None:
            return *span, text[: text.find(words[count - 1], len(" ".join(words[: count - 1]))) + len(words[count - 1])]
    return None


def _iso(text: str) -> tuple[datetime, datetime] | None:
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        begin = datetime(year or 1, month or 1, day or 1, tzinfo=UTC)
    except ValueError:
        return None
    return begin, _end(begin, "day" if day else "month" if month else "year")


def _parsed(text: str, languages: tuple[str, ...], now: datetime) -> tuple[datetime, datetime] | None:
    from dateparser.date import DateDataParser  # its import takes half a second

    settings = {
        "PREFER_DATES_FROM": "past",
        "PREFER_DAY_OF_MONTH": "first",
        "PREFER_MONTH_OF_YEAR": "first",
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "PARSERS": ["relative-time", "absolute-time"],
    }
    text = re.sub(r"(?i)\b(letzte)[rnm]\b", r"\1", text)
    found = DateDataParser(languages=list(languages), settings=settings).get_date_data(text)
    if found.date_obj is None:
        return None
    moment, period = found.date_obj.replace(tzinfo=UTC), str(found.period)
    begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        begin -= timedelta(days=begin.weekday())
    elif period == "month":
        begin = begin.replace(day=1)
    elif period == "year":
        begin = begin.replace(month=1, day=1)
    return begin, _end(begin, period)


def _end(begin: datetime, period: str) -> datetime:
    if period == "year":
        return begin.replace(year=begin.year + 1)
    if period == "month":
        return (begin + timedelta(days=31)).replace(day=1)
    return begin + timedelta(days=7 if period == "week" else 1)
