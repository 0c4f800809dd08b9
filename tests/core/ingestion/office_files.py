"""Documents as office programs write them, made by hand: PDF, Word, EPUB."""

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(pages: Sequence[Sequence[str]], title: str = "", outline: Sequence[tuple[str, int]] = ()) -> bytes:
    """Make a PDF file with lines of text on its pages; `outline` names sections by page, from 0."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    first = 4 + 2 * count
    objects = [
        "<< /Type /Catalog /Pages 2 0 R" + (f" /Outlines {first} 0 R >>" if outline else " >>"),
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, lines in enumerate(pages):
        text = "".join(f"({line}) Tj T* " for line in lines)
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {text}ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    if outline:
        last = first + len(outline)
        objects.append(f"<< /Type /Outlines /First {first + 1} 0 R /Last {last} 0 R /Count {len(outline)} >>")
        for number, (name, page) in enumerate(outline, 1):
            following = f"/Next {first + number + 1} 0 R " if number < len(outline) else ""
            objects.append(
                f"<< /Title ({name}) /Parent {first} 0 R {following}/Dest [{4 + 2 * page} 0 R /XYZ 0 792 0] >>"
            )
    objects.append(f"<< /Title ({title}) /Author (Ann Mower) /CreationDate (D:20230405101500Z) >>")
    body = "%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info {size - 1} 0 R >>\nstartxref\n{len(body)}\n%%EOF"
    return f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("cp1252")


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Make a ZIP archive."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return data.getvalue()


def docx(body: str, **more: str) -> bytes:
    """Make a Word document from the XML of its body."""
    return archive(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Target="word/document.xml" Type='
            '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>',
            "word/styles.xml": f'<w:styles xmlns:w="{_WORD}"><w:style w:type="paragraph" w:styleId="H2">'
            '<w:name w:val="heading 2"/></w:style></w:styles>',
            "docProps/core.xml": '<c:core xmlns:c="urn:c" xmlns:dc="urn:dc"><dc:title>Peening</dc:title>'
            "<dc:created>2023-04-05T10:00:00Z</dc:created></c:core>",
            **more,
        }
    )


def paragraph(text: str, style: str = "", run: str = "") -> str:
    """Return the XML of a paragraph of a Word document."""
    look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{look}<w:r><w:rPr>{run}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def epub(chapters: Sequence[str], **more: str) -> bytes:
    """Make an EPUB book from the HTML of its chapters."""
    items = "".join(
        f'<item id="c{number}" href="text/c%20{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OPS/package.opf"/></rootfiles></container>',
            "OPS/package.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            "<metadata><dc:title>Scythes</dc:title><dc:creator>Ann Mower</dc:creator><dc:language>en</dc:language>"
            "<dc:date>2023-04-05</dc:date></metadata><manifest>"
            '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
            f'{items}</manifest><spine><itemref idref="n"/>{spine}</spine></package>',
            "OPS/nav.xhtml": "<html><body><p>Contents</p></body></html>",
            **{f"OPS/text/c {number}.xhtml": html for number, html in enumerate(chapters)},
            **more,
        }
    )
