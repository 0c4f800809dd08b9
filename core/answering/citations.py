"""The citation filter: keeps only footnotes that a passage supports and addresses that occur in a retrieved post.

A model's text arrives in pieces that may be cut anywhere; the result does not depend on the cuts.
"""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

import regex

from core.answering.citation_verifier import CitationVerifier
from core.domain import Footnote
from core.language.words import WORD
from core.models.protocols import NumberedPassage, SentenceVectors

LINK_REMOVED = "(link removed)"

_OPENING_FENCE = regex.compile(r"(?:\A|(?<=\n)) {0,3}(?P<run>`{3,}|~{3,})[^\n]*\n")
_CODE = regex.compile(r"(?<!`)(?P<run>`+)(?!`)(?:(?!\n\n).)*?(?<!`)(?P=run)(?!`)", regex.DOTALL)
_LINK = regex.compile(
    r"[ \t]?!?\[(?P<text>[^\[\]\n]{0,500})\]"
    r"\(\s?(?:<(?P<address>[^<>\n]{0,2000})>|(?P<address>(?:[^()\s]|\([^()\s]{0,200}\)){0,2000}))"
    r"(?:\s{1,4}[\"'(][^\"'()\n]{0,300}[\"')])?\s?\)"
)
_LABEL = (
    r"(?:(?:sources?|posts?|passages?|doc(?:ument)?s?|ref(?:erence)?s?|quellen?|fuentes?|fontes?|fonti|bron(?:nen)?"
    r"|источник|来源|出典)[:.]? ?|[\^#])?"
)
_NUMBER_LIST = rf"{_LABEL}(?P<numbers>\d{{1,3}}(?: ?(?:[,;\-–&]|and) ?{_LABEL}\d{{1,3}}){{0,20}})"
_MARK = regex.compile(
    rf"[ \t]?[\[【［] ?{_NUMBER_LIST} ?(?:(?::\d{{1,3}})?†[^\[\]【】\n]{{0,100}})?[\]】］]", regex.IGNORECASE
)
_MARKS = regex.compile(rf"(?:{_MARK.pattern.replace('?P<numbers>', '?:')}){{1,20}}", regex.IGNORECASE)
# Behind a statement only: `f(1)` and `m²` are something else.
_INFORMAL = regex.compile(
    rf"(?:[ \t]\(|（){_NUMBER_LIST}[)）](?=[.,;:!?。！？，\n]|\Z)"
    r"|(?<=[^\W\d_]{3}|[.,;:!?)\"'”’»])(?P<numbers>[⁰¹²³⁴-⁹]{1,3})",
    regex.IGNORECASE,
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RANGE = regex.compile(r"(?P<first>\d{1,3})(?: ?[-–] ?(?P<last>\d{1,3}))?")
_IDENTIFIER = regex.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}(?:\[\d{1,3}\]){0,4}\Z")
_BARE = regex.compile(r"(?P<address>(?:https?://|(?<![A-Za-z0-9])www\.)[^\s<>\"`\[\]]{1,2000})", regex.IGNORECASE)
_START = regex.compile(r"[ \t]?[\[【［!]|[ \t]\(|（|[`~hHwW⁰¹²³⁴-⁹]| {1,3}(?=[`~])|[ \t]{1,4}\Z")
_LINE_START = regex.compile(r"[ \t>*+-]*(?:\d{1,3}[.)][ \t]*)?")
_NUMBERS = regex.compile(_NUMBER_LIST, regex.IGNORECASE)
_PARTIAL_ADDRESS = regex.compile(
    r"(?:https?:/{0,2}|(?<![A-Za-z0-9])(?:h|ht|htt|https?|w{1,3}|www\.))\Z", regex.IGNORECASE
)
_STATEMENT = 200
"""Characters before a footnote that tell which page of a document it is about."""

_TRAILING = ".,;:!?)'*_"


class CitationFilter:
    """Filters a model's text piece by piece, and numbers its footnotes by their first use.

    Unless a footnote is to be trusted, it is checked by the statement in front of it, changed or removed.
    """

    def __init__(
        self, passages: Sequence[NumberedPassage], verify: bool = True, vectors: SentenceVectors | None = None
    ) -> None:
        self._verifier = CitationVerifier(passages, vectors) if verify else None
        self._posts = {numbered.number: numbered for numbered in reversed(passages)}
        self._paged = [numbered for numbered in passages if numbered.passage.page]
        self._cited: dict[int, list[float]] = {}
        self._brackets = False
        self._source = "\n".join(f"{each.passage.url} {each.passage.text}" for each in passages)
        self._addresses = {_bare(match["address"]) for match in _BARE.finditer(self._source)}
        self._text = ""
        self._at = 0
        self._fence = ""
        self._shown = ""
        self._rules: tuple[tuple[regex.Pattern[str], Callable[[regex.Match[str]], str]], ...] = (
            (_OPENING_FENCE, self._open_fence),
            (_CODE, lambda match: match[0]),
            (_LINK, self._link),
            (_MARKS, lambda match: self._cite(match[0], match.start())),
            (_INFORMAL, self._informal),
            (_BARE, self._address),
        )

    def read(self, piece: str) -> str:
        """Take a piece and return the text that can be shown; an incomplete link, footnote or fence is held back."""
        self._text += piece
        return "".join(self._advance(final=False))

    @property
    def footnotes(self) -> tuple[Footnote, ...]:
        """The posts cited in the text so far, in the order of their numbers there."""
        posts = ((self._posts[given], supports) for given, supports in self._cited.items())
        return tuple(
            Footnote(
                number,
                post.passage.title,
                post.passage.link,
                post.score,
                round(fmean(supports), 2) if supports else None,
                post.passage.published,
            )
            for number, (post, supports) in enumerate(posts, 1)
        )

    @property
    def open_fence(self) -> str:
        """The fence that closes the code block in which the text so far ends; empty outside code blocks."""
        return self._fence

    def end(self) -> str:
        return "".join(self._advance(final=True))

    def _advance(self, final: bool) -> Iterable[str]:
        while self._at < len(self._text):
            shown = self._code_line(final) if self._fence else self._step(final)
            if shown is None:
                return
            self._shown = (self._shown + shown)[-10:]
            yield shown

    def _code_line(self, final: bool) -> str | None:
        """Return a whole line inside a code fence unchanged, or None if it is incomplete: it may close the fence."""
        end = self._text.find("\n", self._at) + 1 or (len(self._text) if final else 0)
        if not end:
            return None
        line = self._text[self._at : end]
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._fence = ""
        self._at = end
        return line

    def _step(self, final: bool) -> str | None:
        """Return the next part outside code blocks, or None if more text is needed to decide."""
        for pattern, replacement in self._rules:
            match = pattern.match(self._text, self._at, partial=not final)
            if match and not final and (match.partial or match.end() == len(self._text) or self._may_grow(match)):
                return None
            if match:
                self._at = match.end()
                return replacement(match)
        start = _START.search(self._text, self._at + 1)
        end = start.start() if start else len(self._text)
        plain, self._at = self._text[self._at : end], end
        return plain

    def _may_grow(self, match: regex.Match[str]) -> bool:
        """Return whether a run of footnotes may have been cut within the next one."""
        following = _MARK.match(self._text, match.end(), partial=True) if match.re is _MARKS else None
        return following is not None and following.partial

    def _open_fence(self, match: regex.Match[str]) -> str:
        self._fence = match["run"]
        return match[0]

    def _cite(self, marks: str, start: int) -> str:
        """Return a run of footnotes as it is shown; `start` is its place in the text."""
        shown: list[str] = []
        numbers: list[int] = []
        for mark in _MARK.finditer(marks):
            if self._is_index(mark[0], start + mark.start()):
                shown.append(mark[0])
            elif not self._is_quoted(mark[0], start + mark.start()):
                expanded = self._expand(mark["numbers"])
                shown += () if expanded else (mark[0],)
                numbers += expanded
        blank = marks[0] if marks[0] in " \t" else ""
        verified = self._verified([number for number in numbers if number in self._posts], start)
        if self._paged:
            self._find_pages(verified, self._text[:start])
        self._brackets = self._brackets or bool(verified)
        if not verified and not shown:
            return self._separated(blank if self._following.isalnum() else "")
        return "".join(shown) + self._numbered(verified, blank)

    def _informal(self, match: regex.Match[str]) -> str:
        """Return a number in parentheses or a raised one as a footnote, if a passage supports the words before it."""
        numbers = self._expand(match["numbers"].translate(_RAISED))
        if not numbers:
            return match[0]
        if match["numbers"][0] in "⁰¹²³⁴⁵⁶⁷⁸⁹" and numbers[0] not in self._posts:
            numbers = [int(digit) for digit in str(numbers[0])]  # ¹² may be two footnotes
        before = self._text[: match.start()]
        is_copied = before[-12:] + match[0] in self._source
        if self._brackets or is_copied or not self._posts.keys() >= set(numbers):
            return match[0]
        verified = self._verified(numbers, match.start())
        if self._verifier and None in (verified.values() or {None}):
            return match[0]
        return self._numbered(verified, " ")

    def _verified(self, numbers: Sequence[int], start: int) -> dict[int, float | None]:
        """Return the posts that belong behind the text up to `start`, each with its support."""
        line = self._text[self._text.rfind("\n", 0, start) + 1 : start]
        belongs_to_what_follows = _LINE_START.fullmatch(line) and self._following.strip("\n")
        if not self._verifier or not numbers or belongs_to_what_follows:
            return dict.fromkeys(numbers)
        return self._verifier.verify(self._text[:start], list(dict.fromkeys(numbers)))

    def _find_pages(self, numbers: Iterable[int], text: str) -> None:
        """Let footnotes that are new link to the page that has the most words of the statement before them."""
        words = set(WORD.findall(text[-_STATEMENT:].lower()))
        for number in set(numbers) - self._cited.keys():
            pages = [numbered for numbered in self._paged if numbered.number == number]
            if pages:
                shared = [len(words & set(WORD.findall(page.passage.text.lower()))) for page in pages]
                self._posts[number] = pages[shared.index(max(shared))]

    def _numbered(self, verified: dict[int, float | None], blank: str) -> str:
        """Return footnotes with their numbers in the answer. Right after a word, a number is an index: `letters[1]`."""
        for number, support in verified.items():
            self._cited.setdefault(number, []).extend([] if support is None else [support])
        order = list(self._cited)
        footnotes = "".join(f"[{order.index(number) + 1}]" for number in verified)
        after_word = self._shown[-1:].isascii() and (self._shown[-1:].isalnum() or self._shown[-1:] == "_")
        return (blank or (" " if after_word else "")) + footnotes if footnotes else ""

    def _expand(self, numbers: str) -> list[int]:
        """Return the numbers of a footnote. None for ranges without passages at both ends, such as `[0-9]`."""
        expanded: list[int] = []
        for part in _RANGE.finditer(numbers):
            first, last = int(part["first"]), int(part["last"] or part["first"])
            if part["last"] and not (first <= last and {first, last} <= self._posts.keys()):
                return []
            expanded += range(first, last + 1)
        return expanded

    def _is_index(self, mark: str, start: int) -> bool:
        """Return whether the number is an index or a subscript: a 0, or copied from a passage, right after a name."""
        if mark[0] != "[":
            return False
        name = _IDENTIFIER.search(self._text[max(0, start - 90) : start])
        if name is None:
            return False
        index = name[0] + mark
        return index in self._source or ("[0]" in index and not _PARTIAL_ADDRESS.search(self._shown))

    def _is_quoted(self, mark: str, start: int) -> bool:
        """Return whether the number is copied, with the words before it, from a passage into a block quote."""
        line = self._text[self._text.rfind("\n", 0, start) + 1 : start].lstrip()
        words = line.removeprefix(">").lstrip()[-12:]
        return line.startswith(">") and words != "" and f"{words}{mark}" in self._source

    def _link(self, match: regex.Match[str]) -> str:
        text, address = match["text"], match["address"]
        if _NUMBERS.fullmatch(text):
            # Some models link their footnotes themselves; that is the reply's job.
            marks = _MARKS.search(match[0])
            return self._cite(marks[0] if marks else match[0], match.start())
        blank = match[0][0] if match[0][0] in " \t" else ""
        text = _BARE.sub(self._address, text)
        allowed = _bare(address) in self._addresses and "!" not in match[0][:2]
        return f"{blank}[{text}]({address})" if allowed else self._separated(blank + text)

    @property
    def _following(self) -> str:
        """The character after the one just read."""
        return self._text[self._at : self._at + 1]

    def _separated(self, text: str) -> str:
        """Keep the rest of a removed link or footnote from forming an address with the text around it, as
        `https://[9]elsewhere` would without the `[9]`."""
        if text.strip() and _PARTIAL_ADDRESS.search(self._shown) and not text[0].isspace():
            text = f" {text}"
        return f"{text} " if _PARTIAL_ADDRESS.search(self._shown + text) and self._following.strip() else text

    def _address(self, match: regex.Match[str]) -> str:
        whole = match["address"]
        return whole if _bare(whole) in self._addresses else LINK_REMOVED + whole[len(_bare(whole)) :]


def _bare(address: str) -> str:
    """Strip the punctuation of the surrounding sentence."""
    return address.rstrip(_TRAILING)
