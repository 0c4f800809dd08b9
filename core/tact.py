"""Whether a line that does not mention the bot asks for an answer, or is said to another person."""

import regex

from core.domain import Question
from core.follow_ups import leans_on_history
from core.language.stop_words import stop_words
from core.language.words import without_addresses, words
from core.small_talk import small_talk

MAX_SHORT_FOLLOW_UP = 6
"""Words of a follow-up such as “and in winter”, which has neither a question mark nor a question word."""

_OPENINGS = frozenset(
    words(
        # Question words, auxiliaries and requests, language by language.
        "what whats how hows when where wheres why who whos whom whose which can could do does did is are was "
        "were will would should shall may has have any anyone anybody tell explain show list describe compare "
        "summarize summarise was wie wann wo warum wieso weshalb wer wen wem wessen welche welcher welches "
        "welchen wohin woher womit wofür worum woran kann kannst können könnt könnte muss müssen darf dürfen "
        "soll gibt gibts hat habt ist sind weiß erkläre erklär zeige zeig nenne comment pourquoi quand où qui "
        "que quoi quel quelle quels quelles combien est peut peux puis pouvez faut explique expliquez montre "
        "cómo qué cuándo dónde quién quiénes cuál cuáles cuánto cuánta cuántos puedo puede hay debo explica "
        "muestra como quando onde quem qual quais quanto quanta quantos posso pode explique mostre come "
        "quando dove chi cosa quale quali quanto quanta perché posso può spiega mostra hoe wat wanneer waar "
        "waarom wie welke welk kan kunnen kun moet mag heeft zijn leg toon как что когда где почему кто какой "
        "какая какое какие сколько зачем можно куда откуда расскажи объясни покажи"
    )
)
_FILLERS = frozenset(
    words(
        "and but so ok okay also then hi hey hello please well "
        "und aber also dann hallo bitte et mais alors bonjour y pero entonces hola e mas então olá ma allora ciao "
        "en maar dus hoi и а но привет"
    )
)
_CONJUNCTIONS = frozenset(words("and und et y e en и а"))
_TO_ALL = frozenset(
    words(
        "however otherwise anyway maybe perhaps question frage "
        "all team everyone everybody folks guys people leute alle tous todos tutti"
    )
)
_MARK = regex.compile(r"[?？؟]\W*(?:\s|$)|^¿")
_UNSPACED = regex.compile(
    r"[吗呢嘛]|什么|怎么|怎样|为什么|如何|多少|多久|哪|谁|几|か[。.!！]*$|何|どう|なぜ|いつ|どこ|誰|教えて"
)
_VOCATIVE = regex.compile(r"^\W*(?:(?P<greeting>\p{L}+)[\s,]+)?@?(?P<name>\p{Lu}[\p{L}'’-]+)\s*[,:،，–—]\s")


def asks_bot(question: Question) -> bool:
    """Return whether a line that does not mention the bot is a question that the bot may answer.

    It is not when it speaks to another person by name, or leans on what another person has just said.
    """
    if not is_question(question.text) or speaks_to_person(question.text):
        return False
    return not (_another_spoke_last(question) and leans_on_history(question))


def is_question(text: str) -> bool:
    """Return whether a line has the form of a question or a request."""
    text = without_addresses(text).strip()
    if _MARK.search(text) or _UNSPACED.search(text):
        return True
    said = words(text)
    rest = said
    while rest and rest[0] in _FILLERS and len(said) - len(rest) < 3:
        rest = rest[1:]
    if rest and rest[0] in _OPENINGS:
        return True
    return bool(said) and said[0] in _CONJUNCTIONS and len(said) <= MAX_SHORT_FOLLOW_UP


def speaks_to_person(text: str) -> bool:
    """Return whether a line begins with a person's name: “Bob, …”, “hey Carol: …”."""
    match = _VOCATIVE.match(text)
    if not match:
        return False
    greeting, name = match["greeting"] or "", match["name"].casefold()
    if greeting and not small_talk(greeting):
        return False
    ordinary = name in _TO_ALL | _FILLERS | _OPENINGS | stop_words("en") or name.endswith("ly")
    return not ordinary and not small_talk(name)


def _another_spoke_last(question: Question) -> bool:
    """Return whether the message above is another person's, and not the bot's or the asker's own."""
    last = question.history[-1] if question.history else None
    asker = question.person.name if question.person else ""
    return last is not None and last.role == "user" and not last.content.startswith(f"{asker}: ")
