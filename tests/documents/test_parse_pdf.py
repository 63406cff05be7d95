from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from document_files import encrypted, pdf
from hypothesis import given, settings
from hypothesis import strategies as st

from ragraft.documents.parse import FileParser
from ragraft.errors import UnreadableError

SEC10Q = Path(__file__).parents[2] / "../shared/data/sec10q"
PAGES = ["First page words.", "", "Third page,\nsecond line."]
LINES = st.text(st.sampled_from("abc xyz 123 .,-"), max_size=60)


@pytest.fixture(scope="module")
def parser() -> Iterator[FileParser]:
    with FileParser() as parser:
        yield parser


def test_pages_are_the_exact_stretches_of_their_text(parser: FileParser) -> None:
    parsed = parser.parse(pdf(PAGES), name="a.pdf")
    found = {page.number: parsed.text[page.start : page.end] for page in parsed.pages}
    assert found == {1: PAGES[0], 3: PAGES[2]}


def test_the_text_is_the_pages_with_a_blank_line_between(parser: FileParser) -> None:
    assert parser.parse(pdf(PAGES), name="a.pdf").text == f"{PAGES[0]}\n\n{PAGES[2]}"


@given(pages=st.lists(LINES, min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_pages_are_ascending_disjoint_and_inside_the_text(parser: FileParser, pages: list[str]) -> None:
    try:
        parsed = parser.parse(pdf(pages), name="a.pdf")
    except UnreadableError:
        assert not "".join(pages).strip()
        return
    places = [0, *(place for page in parsed.pages for place in (page.start, page.end)), len(parsed.text)]
    assert places == sorted(places)
    assert [page.number for page in parsed.pages] == [
        number for number, text in enumerate(pages, start=1) if text.strip()
    ]


def test_the_title_of_the_file_is_used(parser: FileParser) -> None:
    assert parser.parse(pdf(PAGES, title="A fine report"), name="x.pdf").title == "A fine report"


def test_a_junk_title_gives_way_to_the_file_name(parser: FileParser) -> None:
    content = pdf(PAGES, title="Microsoft Word - draft7.doc")
    assert parser.parse(content, name="annual_report.pdf").title == "Annual report"


def test_a_hash_in_a_pdf_makes_no_title(parser: FileParser) -> None:
    assert parser.parse(pdf(["# 7 of the list"]), name="offer.pdf").title == "Offer"


def test_a_pdf_without_text_layer_says_so_and_that_ocr_is_needed(parser: FileParser) -> None:
    with pytest.raises(UnreadableError, match=r"has no text layer.*no OCR") as raised:
        parser.parse(pdf(["", ""]), name="scan.pdf")
    assert "OCR" in (raised.value.hint or "")


def test_a_pdf_that_needs_a_password_says_so(parser: FileParser) -> None:
    with pytest.raises(UnreadableError, match="encrypted with a password"):
        parser.parse(encrypted(pdf(PAGES), user="secret", owner="other"), name="a.pdf")


def test_a_pdf_with_an_owner_password_only_is_read(parser: FileParser) -> None:
    parsed = parser.parse(encrypted(pdf(PAGES), user="", owner="other"), name="a.pdf")
    assert parsed.text.startswith(PAGES[0])


def test_a_pdf_with_a_date_in_chinese_is_read(parser: FileParser) -> None:
    date = b"\xfe\xff" + "2024年3月1日".encode("utf-16-be")
    content = re.sub(rb"\(D:\d{14}Z?\)", b"(" + date + b")", pdf(PAGES))
    assert parser.parse(content, name="a.pdf").text.startswith(PAGES[0])


def test_words_cut_at_a_line_end_are_put_together_where_the_document_knows_them(parser: FileParser) -> None:
    lines = "of commu-\nnication and well-\nknown things.\n\nOn communication."
    parsed = parser.parse(pdf([lines]), name="a.pdf")
    assert parsed.text.startswith("of communication and well-known things.")


@pytest.mark.parametrize("cut", [20, 300, 900])
def test_a_cut_pdf_is_read_or_unreadable(parser: FileParser, cut: int) -> None:
    try:
        parser.parse(pdf(PAGES)[:cut], name="a.pdf")
    except UnreadableError as error:
        assert str(error)


def test_bytes_before_the_header_do_not_hide_a_pdf(parser: FileParser) -> None:
    assert parser.parse(b"\r\n\r\n" + pdf(PAGES), name="a.pdf").text.startswith(PAGES[0])


@pytest.mark.data
def test_a_real_quarterly_report_keeps_its_pages_and_figures(parser: FileParser) -> None:
    path = SEC10Q / "2023 Q1 NVDA.pdf"
    if not path.exists():
        pytest.skip("needs ../shared/data/sec10q")
    parsed = parser.parse(path.read_bytes(), name=path.name)
    page = next(page for page in parsed.pages if page.number == 5)
    assert len(parsed.pages) == 49
    assert "Total assets $ 44,460 $ 41,182" in parsed.text[page.start : page.end]
    assert (parsed.title, parsed.language) == ("2023 Q1 NVDA", "en")
