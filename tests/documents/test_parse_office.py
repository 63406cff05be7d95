from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

import pytest
from document_files import docx, minimal_docx, pptx, xlsx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl import load_workbook
from pptx.util import Inches

from ragraft.documents.parse import FileParser
from ragraft.errors import UnreadableError
from ragraft.types import ParsedDocument

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@pytest.fixture(scope="module")
def parser() -> Iterator[FileParser]:
    with FileParser() as parser:
        yield parser


def word_text(parser: FileParser, *paragraphs: str) -> str:
    """The text of a DOCX whose body is this XML."""
    body = "".join(paragraphs)
    content = minimal_docx(f"<w:document {W}><w:body>{body}</w:body></w:document>".encode())
    return parser.parse(content, name="a.docx").text


def run(text: str, properties: str = "") -> str:
    return f'<w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r>'


def page_texts(parsed: ParsedDocument) -> dict[int, str]:
    return {page.number: parsed.text[page.start : page.end] for page in parsed.pages}


def test_docx_headings_lists_and_words_come_in_order(parser: FileParser) -> None:
    def write(document: Any) -> None:
        document.add_heading("Travel", 1)
        document.add_paragraph("All staff & contractors, 5 < 6 *stars*.")
        document.add_heading("Rates", 2)
        document.add_paragraph("first", style="List Bullet")
        document.add_paragraph("second", style="List Bullet")
        document.add_paragraph("one", style="List Number")
        document.add_paragraph("two", style="List Number")

    assert parser.parse(docx(write), name="a.docx").text == (
        "# Travel\n\nAll staff & contractors, 5 < 6 *stars*.\n\n## Rates\n\n- first\n- second\n1. one\n2. two"
    )


def test_docx_table_is_a_pipe_table_with_its_header(parser: FileParser) -> None:
    def write(document: Any) -> None:
        table = document.add_table(rows=3, cols=3)
        for row, texts in enumerate(
            [["City", "Hotel", "Meal"], ["Paris | Nord", "150", "35"], ["", "90", "x\ny"]]
        ):
            for column, text in enumerate(texts):
                table.cell(row, column).text = text

    assert parser.parse(docx(write), name="a.docx").text == (
        "| City | Hotel | Meal |\n| --- | --- | --- |\n| Paris \\| Nord | 150 | 35 |\n|  | 90 | x y |"
    )


def test_docx_cell_over_several_rows_says_its_text_in_each(parser: FileParser) -> None:
    def write(document: Any) -> None:
        table = document.add_table(rows=3, cols=3)
        table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
        table.cell(0, 2).text = "h"
        table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
        for row in (1, 2):
            table.cell(row, 1).text = str(row)

    text = parser.parse(docx(write), name="a.docx").text
    assert text.splitlines() == [
        "| wide |  | h |",
        "| --- | --- | --- |",
        "| tall | 1 |  |",
        "| tall | 2 |  |",
    ]


def test_docx_frame_of_one_column_is_text_not_a_table(parser: FileParser) -> None:
    def write(document: Any) -> None:
        document.add_table(rows=1, cols=1).cell(0, 0).text = "Note: framed"

    assert parser.parse(docx(write), name="a.docx").text == "Note: framed"


def test_docx_tracked_changes_read_as_accepted(parser: FileParser) -> None:
    text = word_text(
        parser,
        f"<w:p>{run('kept ')}<w:ins>{run('new')}</w:ins>"
        "<w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>",
    )
    assert text == "kept new"


def test_docx_hidden_text_is_left_out(parser: FileParser) -> None:
    hidden = run("secret", "<w:rPr><w:vanish/></w:rPr>")
    shown = run("shown", '<w:rPr><w:vanish w:val="0"/></w:rPr>')
    assert word_text(parser, f"<w:p>{hidden}{shown}</w:p>") == "shown"


def test_docx_tabs_breaks_and_hyphens_are_kept(parser: FileParser) -> None:
    text = word_text(
        parser,
        f"<w:p>{run('a')}<w:r><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r></w:p>",
    )
    assert text == "a\tb\nc-d"


def test_docx_words_in_links_controls_and_boxes_are_read_once(parser: FileParser) -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
    text = word_text(
        parser,
        f"<w:sdt><w:sdtContent><w:p>{run('control')}</w:p></w:sdtContent></w:sdt>",
        f"<w:p><w:hyperlink>{run('link')}</w:hyperlink>"
        f"<w:r><AlternateContent><Choice><drawing>{box}</drawing></Choice>"
        f"<Fallback><pict>{box}</pict></Fallback></AlternateContent></w:r></w:p>",
    )
    assert text == "control\n\nlink\n\nboxed"


def test_docx_numbered_headings_carry_their_numbers(parser: FileParser) -> None:
    def write(document: Any) -> None:
        numbering = document.part.numbering_part.element
        levels = "".join(
            f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
            for level, kind, text in [
                (0, "decimal", "%1."),
                (1, "decimal", "%1.%2"),
                (2, "lowerLetter", "(%3)"),
            ]
        )
        abstract = parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">{levels}</w:abstractNum>')
        numbering.insert(0, abstract)
        numbering.append(
            parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>')
        )
        for text, depth in [("A", 0), ("A1", 1), ("A2", 1), ("x", 2), ("y", 2), ("B", 0), ("B1", 1)]:
            style = f"Heading {depth + 1}" if depth < 2 else "Normal"
            paragraph = document.add_paragraph(text, style=style)
            properties = paragraph._p.get_or_add_pPr()
            properties.append(
                parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{depth}"/><w:numId w:val="90"/></w:numPr>')
            )

    lines = parser.parse(docx(write), name="a.docx").text.split("\n")
    assert [line for line in lines if line] == [
        "# 1. A", "## 1.1 A1", "## 1.2 A2", "    (a) x", "    (b) y", "# 2. B", "## 2.1 B1"
    ]  # fmt: skip


def test_docx_title_and_author_are_the_files_own(parser: FileParser) -> None:
    def write(document: Any) -> None:
        document.core_properties.title = "Travel policy"
        document.core_properties.author = "A. Author"
        document.add_paragraph("Words.")

    parsed = parser.parse(docx(write), name="x.docx")
    assert (parsed.title, parsed.metadata["author"]) == ("Travel policy", "A. Author")


def test_docx_has_no_pages(parser: FileParser) -> None:
    parsed = parser.parse(docx(lambda document: document.add_paragraph("Words.")), name="a.docx")
    assert parsed.pages == ()


@pytest.mark.parametrize(
    "document",
    [
        b"<w:document",
        b"<!DOCTYPE d [<!ENTITY a 'b'>]><document><body><p><r><t>&a;</t></r></p></body></document>",
        b"<document><body>" + b"<tbl><tr><tc>" * 5000,
        b"<document/>",
    ],
    ids=["cut", "entities", "deep", "no body"],
)
def test_a_damaged_docx_is_unreadable(parser: FileParser, document: bytes) -> None:
    with pytest.raises(UnreadableError):
        parser.parse(minimal_docx(document), name="a.docx")


def deck(presentation: Any) -> None:
    title, bullets, empty, other = (presentation.slide_layouts[number] for number in (0, 1, 6, 5))
    slide = presentation.slides.add_slide(title)
    slide.shapes.title.text = "R&D <plans>"
    slide.placeholders[1].text = "For 2025"
    slide = presentation.slides.add_slide(bullets)
    slide.shapes.title.text = "Goals"
    slide.placeholders[1].text = "One\nTwo"
    slide.notes_slide.notes_text_frame.text = "Say it slowly"
    presentation.slides.add_slide(empty)
    slide = presentation.slides.add_slide(other)
    slide.shapes.title.text = "Figures"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, texts in enumerate([["City", "Price"], ["Bonn", "90"]]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text


def test_pptx_slides_are_pages_with_title_text_table_and_notes(parser: FileParser) -> None:
    parsed = parser.parse(pptx(deck), name="a.pptx")
    assert page_texts(parsed) == {
        1: "## R&D <plans>\n\nFor 2025",
        2: "## Goals\n\n- One\n- Two\n\nNotes: Say it slowly",
        4: "## Figures\n\n| City | Price |\n| --- | --- |\n| Bonn | 90 |",
    }


def test_pptx_slides_come_in_the_order_shown_not_that_of_their_files(parser: FileParser) -> None:
    def write(presentation: Any) -> None:
        for number in range(12):
            slide = presentation.slides.add_slide(presentation.slide_layouts[5])
            slide.shapes.title.text = f"Slide {number}"
        order = presentation.slides._sldIdLst
        order.insert(0, order[-1])

    titles = [text[3:] for text in page_texts(parser.parse(pptx(write), name="a.pptx")).values()]
    assert titles == [f"Slide {number}" for number in [11, *range(11)]]


def test_pptx_title_is_read_first_wherever_it_is_painted(parser: FileParser) -> None:
    def write(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = "Title"
        box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(1), Inches(1))
        box.text_frame.text = "Box"
        slide.shapes._spTree.append(slide.shapes.title._element)

    assert parser.parse(pptx(write), name="a.pptx").text == "## Title\n\nBox"


def test_xlsx_sheets_are_pages_of_pipe_tables(parser: FileParser) -> None:
    content = xlsx(
        {"Prices": [["Item", "Price"], ["R&D | <x>", 1.5]], "Empty": [], "More": [["a", "b"], [1, 2]]}
    )
    assert page_texts(parser.parse(content, name="a.xlsx")) == {
        1: "## Prices\n\n| Item | Price |\n| --- | --- |\n| R&D \\| <x> | 1.5 |",
        3: "## More\n\n| a | b |\n| --- | --- |\n| 1 | 2 |",
    }


def test_xlsx_values_read_as_a_person_reads_them(parser: FileParser) -> None:
    row = [
        date(2024, 3, 1),
        datetime(2024, 3, 1, 12, 30),
        time(9, 15),
        0.1 + 0.2,
        1e10,
        True,
        "=SUM(A1)",
        0.25,
    ]
    workbook = load_workbook(BytesIO(xlsx({"S": [list("abcdefgh"), row]})))
    workbook.active["H2"].number_format = "0.0%"
    buffer = BytesIO()
    workbook.save(buffer)
    last = parser.parse(buffer.getvalue(), name="a.xlsx").text.splitlines()[-1]
    assert (
        last == "| 2024-03-01 | 2024-03-01 12:30:00 | 09:15:00 | 0.3 | 10000000000 | TRUE | =SUM(A1) | 25% |"
    )


def test_xlsx_title_above_a_table_is_a_line_not_its_header(parser: FileParser) -> None:
    content = xlsx({"S": [["Report 2024"], ["City", "Price"], ["Bonn", 90]]})
    text = parser.parse(content, name="a.xlsx").text
    assert text == "## S\n\nReport 2024\n\n| City | Price |\n| --- | --- |\n| Bonn | 90 |"


def test_xlsx_two_tables_between_blank_rows_keep_their_own_headers(parser: FileParser) -> None:
    content = xlsx({"S": [["City", "Price"], ["Bonn", 90], [None], ["Name", "Team"], ["Ann", "Red"]]})
    assert parser.parse(content, name="a.xlsx").text.count("| --- | --- |") == 2


def test_xlsx_total_after_a_blank_row_stays_under_the_header(parser: FileParser) -> None:
    content = xlsx({"S": [["City", "Price"], ["Bonn", 90], [None], ["Sum", 90]]})
    assert parser.parse(content, name="a.xlsx").text.endswith("| Bonn | 90 |\n| Sum | 90 |")


def test_xlsx_far_off_cells_do_not_make_wide_tables(parser: FileParser) -> None:
    workbook = load_workbook(BytesIO(xlsx({"S": [["City", "Price"], ["Bonn", 90]]})))
    workbook.active["XFD2"] = "far"
    buffer = BytesIO()
    workbook.save(buffer)
    assert parser.parse(buffer.getvalue(), name="a.xlsx").text.endswith("| Bonn | 90 | far |")
