"""Files that are included in other files of the same folder, as site generators do it."""

import re
from collections.abc import Mapping
from pathlib import Path

from core.ingestion.charsets import decode
from core.ingestion.front_matter import split_front_matter

MAX_INCLUDES = 100
"""Per file, including those that included files include."""

MAX_BYTES = 256 * 1024
"""Per included file."""

_INCLUDE = re.compile(
    r"^[ \t]*(?:"
    r"include::([^\s\[{]{1,300})\[[^\]\n]*\]"  # AsciiDoc
    r"|\.\.[ \t]+include::[ \t]+(\S{1,300})"  # reStructuredText
    r"|--8<--[ \t]+[\"']([^\"'\n]{1,300})[\"']"  # MkDocs
    r"|\{!([^!\n]{1,300})!\}"
    r"|\{%-?[ \t]*include-?(?:markdown)?[ \t]+[\"']?([\w./-]{1,300}\.md)[\"'][^%\n]*%\}"  # also Jekyll
    r"|<!--[ \t]*@include:[ \t]*([^\s{>]{1,300})[^>\n]*-->"  # VitePress
    r")[ \t]*$",
    re.MULTILINE,
)
_PARTIAL = re.compile(r"^import[ \t]+(\w+)[ \t]+from[ \t]+[\"']([^\"'\n]{1,300}\.mdx?)[\"'];?[ \t]*$", re.MULTILINE)
_USE = re.compile(r"^[ \t]*<([A-Z]\w*)[^<>\n]{0,300}/>[ \t]*$", re.MULTILINE)


class Includer:
    """Puts included files into the text of one file. Only files of its folder are read, and none that is hidden."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._left = MAX_INCLUDES

    def included(self, text: str, file: Path) -> str:
        """Return the text with what it includes; what cannot be read stays as it is. Blocks."""
        text = _INCLUDE.sub(lambda found: self._content(next(filter(None, found.groups())), file, found[0]), text)
        if file.suffix.lower() == ".mdx" and (partials := dict(_PARTIAL.findall(text))):
            text = _USE.sub(lambda found: self._partial(found, partials, file), text)
        return text

    def _partial(self, found: re.Match[str], partials: Mapping[str, str], file: Path) -> str:
        return self._content(partials[found[1]], file, found[0]) if found[1] in partials else found[0]

    def _content(self, name: str, file: Path, otherwise: str) -> str:
        for place in (file.parent, self._folder, self._folder / "_includes"):
            path = (place / name.removeprefix("@/").strip()).resolve()
            if path != file and self._is_readable(path):
                self._left -= 1
                text = split_front_matter(decode(path.read_bytes())[0]).text.strip("\n")
                return self.included(text, path)
        return otherwise

    def _is_readable(self, path: Path) -> bool:
        if not self._left or not path.is_relative_to(self._folder):
            return False
        if any(part.startswith(".") for part in path.relative_to(self._folder).parts):
            return False
        try:
            return path.is_file() and path.stat().st_size <= MAX_BYTES
        except (OSError, ValueError):
            return False
