"""The language of a question, which may be three words long: by its script, else by its function words."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from core.domain import ScoredPassage, Turn
from core.i18n import language, language_is_known, use_language
from core.language.words import without_addresses, words

_FUNCTION_WORDS = {
    "en": "the a an of to in on is are was were do does did can could should would will what which who how why when "
    "where and or not for with from my your it this that there have has be i you we they at by if me any about much",
    "de": "der die das den dem des ein eine einen einem einer und oder nicht ist sind war waren wird werden wurde wie "
    "was wer wo wann warum welche welcher welches wieviel kann können muss müssen soll darf ich du sie wir ihr man "
    "mein meine es für mit von vom zu zum zur auf aus bei im nach über gibt haben hat kein keine auch noch dann "
    "wenn als so worum woran womit wofür wieso weshalb wem wen geht durch ohne unter zwischen seit bis sein seine ihre "
    "dieser diese dieses wurden hatte hat wird gab",
    "fr": "le la les un une des du de et ou pas est sont était qui que quoi quel quelle quels quelles comment "
    "pourquoi quand où combien peut peux puis dois doit je tu il elle nous vous ils mon ma mes au aux avec pour sur "
    "dans par ce cette ces y en se sa son leur plus faut qu c d l j n s est-ce avez ai a",
    "es": "el la los las un una unos unas y o no es son era fue que qué quién quiénes cuál cuáles cómo como por para "
    "cuándo cuando dónde donde cuánto cuánta cuántos puedo puede hay yo tú usted se mi mis su sus lo al del de en con "
    "sobre está están tiene tengo más si sin este esta eso hago hace",
    "pt": "o a os as um uma e ou não é são era foi que quê quem qual quais como por para quando onde quanto quantos "
    "posso pode há eu você se meu minha seu sua ao do da dos das no na nos nas em com sobre está estão tem tenho mais "
    "sem este esta isso isto faço pelo pela de",
    "it": "il lo la i gli le un una uno e o non è sono era che chi cosa quale quali come per perché quando dove quanto "
    "quanti quanta posso può si c ci mio mia suo sua al allo alla del dello della dei delle nel nella di da in con su "
    "sul sulla ho ha più se questo questa io l d devo bisogna",
    "nl": "de het een en of niet is zijn was waren wordt worden wat wie hoe waar wanneer waarom welke kan kunnen moet "
    "mag ik je jij u we wij ze hij mijn mij er voor met van op aan bij in naar over te om heb heeft geen ook nog als "
    "dan dit dat deze die hoeveel",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _code, _listed in _FUNCTION_WORDS.items():
    for _word in _listed.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_code)

MAX_CHARS = 500
"""Characters that are looked at."""

ENOUGH = 1.5
ENOUGH_OF_ALL = 0.2
"""The function words of a language that tell it, weighed: a number of them, or their share of all words."""

_LETTERS = {"ß": "de", "ñ": "es", "¿": "es", "¡": "es", "ã": "pt", "õ": "pt", "œ": "fr", "ù": "fr"}

_SCRIPTS = (
    (re.compile(r"[\u3040-\u30ff\uff66-\uff9f]"), "ja"),
    (re.compile(r"[\u4e00-\u9fff]"), "zh"),
    (re.compile(r"[іїєґўјљњћђџ]", re.IGNORECASE), ""),
    (re.compile(r"[\u0400-\u04ff]"), "ru"),
)
"""Japanese before Chinese, whose characters it has as well; Ukrainian and other languages before Russian."""


def language_of(text: str) -> str:
    """Return the language of a text, of those that the bot speaks; an empty string when it cannot be told."""
    text = without_addresses(text[:MAX_CHARS])
    for script, code in _SCRIPTS:
        if script.search(text):
            return code
    asked = words(text)
    weights: defaultdict[str, float] = defaultdict(float)
    for letter in filter(_LETTERS.get, text.lower()):
        weights[_LETTERS[letter]] += 1
    for word in asked:
        for code in _LANGUAGES_OF.get(word, ()):
            weights[code] += 1 / len(_LANGUAGES_OF[word])
    ranked = sorted(((weight, code) for code, weight in weights.items()), reverse=True)
    (weight, code), (next_weight, _) = [*ranked, (0.0, ""), (0.0, "")][:2]
    told = weight > next_weight and (weight >= ENOUGH or weight >= ENOUGH_OF_ALL * len(asked))
    return code if told else ""


def use_language_of_posts(hits: Sequence[ScoredPassage]) -> None:
    """Answer in the language of the posts that were found, if nothing else has told which to use."""
    if hits and not language_is_known():
        use_language(Counter(hit.passage.language for hit in hits).most_common(1)[0][0])


def use_language_of(question: str, history: Sequence[Turn] = ()) -> None:
    """Answer in the language of a question, or of the newest question before it whose language can be told.

    If none can be told, the language stays as it is.
    """
    before = (turn.content for turn in reversed(history) if turn.role == "user")
    told = filter(None, map(language_of, (question, *before)))
    code = next(told, "")
    # Japanese may be written in Chinese characters alone.
    use_language("ja" if code == "zh" and "ja" in (language(), next(told, "")) else code)
