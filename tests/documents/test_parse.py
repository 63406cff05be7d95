from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from document_files import archive, docx, pdf, xlsx

from ragraft.documents.formats.kinds import DOCUMENT_SUFFIXES
from ragraft.documents.formats.titles import readable_stem, sensible_title
from ragraft.documents.parse import FileParser
from ragraft.errors import UnreadableError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(scope="module")
def parser() -> Iterator[FileParser]:
    with FileParser() as parser:
        yield parser


@pytest.mark.parametrize("suffix", sorted(DOCUMENT_SUFFIXES))
def test_random_bytes_are_unreadable_under_every_suffix(parser: FileParser, suffix: str) -> None:
    content = random.Random(suffix).randbytes(5000)
    with pytest.raises(UnreadableError):
        parser.parse(content, name=f"noise{suffix}")


@pytest.mark.parametrize("suffix", sorted(DOCUMENT_SUFFIXES))
def test_a_few_random_bytes_behind_the_right_magic_are_unreadable(parser: FileParser, suffix: str) -> None:
    for magic in (b"%PDF-1.7\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        with pytest.raises(UnreadableError):
            parser.parse(magic + random.Random(suffix).randbytes(3000), name=f"noise{suffix}")


@pytest.mark.parametrize("suffix", sorted(DOCUMENT_SUFFIXES))
@pytest.mark.parametrize("content", [b"", b" \r\n\t ", b"\xef\xbb\xbf", b"\xff\xfe\x20\x00"])
def test_an_empty_file_is_unreadable_as_empty(parser: FileParser, suffix: str, content: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"is empty|its content is not|is not an e-mail|holds no text"):
        parser.parse(content, name=f"a{suffix}")


def test_a_pdf_named_txt_is_read_as_pdf(parser: FileParser) -> None:
    parsed = parser.parse(pdf(["Words on a page."]), name="notes.txt")
    assert (parsed.media_type, parsed.text) == ("application/pdf", "Words on a page.")


def test_a_sheet_named_docx_is_read_as_a_sheet(parser: FileParser) -> None:
    parsed = parser.parse(xlsx({"A": [["x", "y"], [1, 2]]}), name="a.docx")
    assert parsed.metadata["format"] == "xlsx"


def test_a_document_that_holds_a_sheet_is_still_a_document(parser: FileParser) -> None:
    def write(document: object) -> None:
        document.add_paragraph("Outer words.")  # type: ignore[attr-defined]

    inner = xlsx({"A": [["x"]]})
    content = docx(write)
    with_part = archive({"word/embeddings/a.xlsx": inner}) + content
    assert parser.parse(with_part, name="a.docx").metadata["format"] == "docx"


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".pptx", ".xlsx", ".msg"])
def test_text_named_as_a_binary_format_is_refused_with_the_name(parser: FileParser, suffix: str) -> None:
    with pytest.raises(UnreadableError, match=f"named or served as {suffix[1:].upper()} but"):
        parser.parse(b"just text", name=f"a{suffix}")


def test_a_zip_archive_is_refused_with_a_way_out(parser: FileParser) -> None:
    with pytest.raises(UnreadableError, match="is a zip archive") as raised:
        parser.parse(archive({"a.txt": b"hello"}), name="a.txt")
    assert raised.value.hint == "unpack it and add what is in it"


def test_an_image_is_refused_by_what_it_is(parser: FileParser) -> None:
    with pytest.raises(UnreadableError, match="a PNG image"):
        parser.parse(PNG, name="a.md")


@pytest.mark.parametrize(
    ("stream", "reason"),
    [("EncryptedPackage", "encrypted with a password"), ("WordDocument", "Office format of before 2007")],
)
def test_an_ole_file_is_refused_by_what_it_holds(parser: FileParser, stream: str, reason: str) -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + stream.encode("utf-16-le") + bytes(500)
    with pytest.raises(UnreadableError, match=reason):
        parser.parse(content, name="a.docx")


def test_a_served_media_type_counts_where_the_name_has_no_suffix(parser: FileParser) -> None:
    parsed = parser.parse(b"a,b\n1,2\n", name="export", media_type="text/csv; charset=utf-8")
    assert parsed.media_type == "text/csv"


def test_a_served_media_type_counts_more_than_the_suffix(parser: FileParser) -> None:
    parsed = parser.parse(b"<p>Hello</p>", name="README.md", media_type="text/html")
    assert parsed.text == "Hello"


def test_text_plain_counts_less_than_the_suffix(parser: FileParser) -> None:
    parsed = parser.parse(b"# Hello\n", name="README.md", media_type="text/plain")
    assert parsed.media_type == "text/markdown"


def test_html_without_suffix_is_known_by_its_start(parser: FileParser) -> None:
    assert parser.parse(b"\n<!DOCTYPE html><p>Hi", name="page").media_type == "text/html"


def test_the_charset_that_the_server_names_is_used(parser: FileParser) -> None:
    content = "<p>Привет, мир</p>".encode("koi8-r")
    parsed = parser.parse(content, name="page", media_type="text/html; charset=KOI8-R")
    assert parsed.text == "Привет, мир"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("q3/annual_report-final.md", "Annual report final"),
        ("2022 Q3 NVDA.pdf", "2022 Q3 NVDA"),
        ("minutes-2024-07-26.txt", "Minutes 2024-07-26"),
        ("guides/travel/index.md", "Travel"),
        ("readme.md", "Readme"),
        ("%D8%AA%D9%82%D8%B1%D9%8A%D8%B1%0A.txt", "تقرير"),
        (".txt", ".txt"),
    ],
)
def test_a_file_name_makes_a_readable_title(name: str, title: str) -> None:
    assert readable_stem(name) == title


@pytest.mark.parametrize(
    "junk",
    ["0001045810-22-000166", "Microsoft Word - report.doc", "untitled", "Slide 1", "a.indd", " ", None, 7],
)
def test_what_programs_leave_as_title_is_no_title(junk: object) -> None:
    assert sensible_title(junk) == ""


def test_a_title_is_one_line_of_bounded_length() -> None:
    assert sensible_title("A\n title  " + "x" * 500) == ("A title " + "x" * 500)[:300]


def test_the_reference_names_every_suffix() -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/formats.md").read_text()
    assert [suffix for suffix in sorted(DOCUMENT_SUFFIXES) if f"`{suffix}`" not in reference] == []
