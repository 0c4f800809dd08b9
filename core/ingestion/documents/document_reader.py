"""The reader of each format of documents."""

from core.ingestion.article import Article
from core.ingestion.documents.archives import read_book, read_word
from core.ingestion.documents.asciidoc import read_asciidoc
from core.ingestion.documents.notebook import read_notebook
from core.ingestion.documents.pdf import read_pdf
from core.ingestion.documents.restructured_text import read_rst

READERS = {"pdf": read_pdf, "docx": read_word, "epub": read_book, "notebook": read_notebook}


def read_document(format_: str, data: bytes, url: str) -> Article:
    """Read a document. Raises SourceReadError."""
    return READERS[format_](data, url)


def read_markup(format_: str, text: str, url: str) -> Article:
    """Read a text in reStructuredText or AsciiDoc. Raises SourceReadError."""
    return read_rst(text, url) if format_ == "rst" else read_asciidoc(text)
