"""Pages that are served in place of a post: log-in forms, cookie walls, "not found" with status 200, and so on."""

import re
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from core.ingestion.html_tree import text_of

MAX_WORDS = 150
"""A page with more text is a post, whatever else it shows."""
MAX_LETTERS = 2_000
MAX_FEW_WORDS = 60

_LOGIN_PATH = re.compile(
    r"/(?:log-?in|sign-?in|sso|oauth2?|authorize|wp-login\.php|session/new|anmelden|connexion)\b", re.I
)
_PASSWORD_FORM = "//form[contains(@class, 'post-password-form') or contains(@action, 'postpass')]"
_MAX_HEADING, _MAX_HEADINGS = 300, 5
_REFRESH = "//meta[translate(@http-equiv, 'REFSH', 'refsh')='refresh'][contains(@content, '=')]"

_NOT_FOUND = re.compile(
    r"\b404\b|(?:page|post|article|content|story)\W{0,3}(?:\w+\W+){0,3}"
    r"(?:not (?:be )?found|does ?n.t exist|no longer (?:available|exists))"
    r"|\Anot found\b|\bnothing (?:was )?found\b|(?:seite|beitrag) (?:wurde )?nicht gefunden"
    r"|page (?:introuvable|non trouvée)"
    r"|p[áa]gina no (?:encontrada|existe)|p[áa]gina n[ãa]o encontrada|pagina non trovata|pagina niet gevonden"
    r"|strony? nie (?:znaleziono|istnieje)|страница не найдена"
    r"|ページが見つかりません|(?:页面|網頁)(?:不存在|未找到)|페이지를 찾을 수 없",
    re.I,
)
_SCRIPT = re.compile(
    r"javascript.{0,60}(?:enable|turn|required|disabled|needed|aktivier|activ|habilit|attiv|inschakel|włącz"
    r"|включ|有効|启用|啟用|활성)"
    r"|(?:enable|requires?|needs?|turn on|aktivier\w*|activ\w+|habilit\w+|attiv\w+|włącz\w*|включ\w+|启用|請啟用)"
    r".{0,60}javascript",
    re.I | re.S,
)
_ROBOT_CHECK = re.compile(
    r"checking (?:if the site connection is secure|your browser)|verif(?:y|ying) (?:that )?you are (?:a )?human"
    r"|are you a robot"
    r"|\bjust a moment\b|attention required|ddos protection|unusual traffic|access (?:to this page has been )?denied"
    r"|complete the (?:security check|captcha)|request (?:was |has been )?blocked",
    re.I,
)
_COOKIES = re.compile(r"cookies?|クッキー|файл\w* куки", re.I)
_CONSENT = re.compile(
    r"\b(?:accept|agree|consent|allow|akzeptier|zustimm|einwillig|accept(?:er|ez)|aceptar?|acept[oa]|accett|aceit|akkoord|zgadzam"
    r"|akceptuj)\w*|принять|соглас|同意",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Signs:
    """What a page has beside its text. `headings` holds its titles, `noscript` what browsers without scripts show."""

    password_form: bool
    log_in: bool
    forwards: bool
    headings: str
    noscript: str


def read_signs(root: HtmlElement, url: str) -> Signs:
    """Read the signs of a notice, before the page is reduced to its article."""
    log_in = bool(root.xpath("//input[@type='password']"))
    return Signs(
        password_form=bool(root.xpath(_PASSWORD_FORM)),
        log_in=log_in or bool(_LOGIN_PATH.search(urlsplit(url).path) and root.find(".//form") is not None),
        forwards=bool(root.xpath(_REFRESH)),
        headings="\n".join(
            text_of(heading)[:_MAX_HEADING] for heading in islice(root.iter("h1", "title"), _MAX_HEADINGS)
        ),
        noscript=root.get("data-noscript") or "",
    )


def notice_on(signs: Signs, text: str, title: str) -> str:
    """Return why a page with this text is not a post, as a clause for the report; empty if it may be one."""
    words = len(re.findall(r"\w+", text[: MAX_LETTERS + 1]))
    if words > MAX_WORDS or len(text) > MAX_LETTERS:
        return ""
    few = words < MAX_FEW_WORDS
    kinds = (
        (signs.password_form, "it is protected by a password"),
        (signs.log_in, "it asks for a log-in"),
        (_NOT_FOUND.search(f"{signs.headings}\n{text if few else ''}"), "it says that the page was not found"),
        (few and _ROBOT_CHECK.search(f"{title}\n{text}"), "it shows a check for robots instead of the post"),
        (
            len(_COOKIES.findall(text)) > 1 and _CONSENT.search(text),
            "it shows a notice about cookies instead of the post",
        ),
        (few and _SCRIPT.search(f"{text}\n{signs.noscript}"), "it shows its text only with JavaScript"),
        (few and signs.forwards, "it only forwards to another page"),
    )
    return next((reason for applies, reason in kinds if applies), "")
