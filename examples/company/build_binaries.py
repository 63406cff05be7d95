"""Write the PDF, DOCX, XLSX and PPTX documents of the example company from their sources.

    python examples/company/build_binaries.py [FOLDER]      FOLDER: documents/, unless another is given

`sources/legal/contract-guide.docx.md` becomes `documents/legal/contract-guide.docx`. A source is a
little Markdown: headings, paragraphs, `-` and `1.` lists, pipe tables, and `---` for a new page. In a
workbook every `#` heading starts a sheet, and a paragraph fills one cell; in a presentation every heading
starts a slide. All dates are fixed, so that the
same source gives the same bytes every time.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Literal

import docx
import openpyxl
from fpdf import FPDF
from fpdf.fonts import FontFace
from openpyxl.styles import Alignment, Font
from pptx import Presentation
from pptx.slide import Slide
from pptx.util import Cm, Pt

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
AUTHOR = "Morvelt Rollen GmbH"
WRITTEN = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Block:
    """One heading, paragraph, list item or table; a table has rows, the others text."""

    kind: Literal["heading", "paragraph", "bullet", "number", "table", "page"]
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


def read_blocks(source: str) -> Iterator[Block]:
    """Yield the blocks of a source in order. List items may run over indented lines."""
    for part in re.split(r"\n\s*\n", source.strip()):
        if part == "---":
            yield Block("page")
        elif heading := re.fullmatch(r"(#+) (.+)", part):
            yield Block("heading", heading[2], level=len(heading[1]))
        elif part.startswith("|"):
            lines = [line for line in part.splitlines() if not re.fullmatch(r"[|\-\s]+", line)]
            yield Block(
                "table", rows=tuple(tuple(c.strip() for c in line.strip("|").split("|")) for line in lines)
            )
        elif re.match(r"(-|\d+\.) ", part):
            for item in re.split(r"\n(?=-|\d+\. )", part):
                mark, _, text = item.partition(" ")
                yield Block("bullet" if mark == "-" else "number", _one_line(text))
        else:
            yield Block("paragraph", _one_line(part))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def write_pdf(blocks: list[Block]) -> bytes:
    """Return a PDF of A4 pages in a built-in font, which knows the Latin-1 characters only."""
    pdf = FPDF()
    pdf.set_title(blocks[0].text)
    pdf.set_author(AUTHOR)
    pdf.set_producer(AUTHOR)
    pdf.set_compression(False)
    pdf.set_creation_date(WRITTEN)
    pdf.set_margin(22)
    pdf.add_page()
    number = 0
    for block in blocks:
        number = number + 1 if block.kind == "number" else 0
        match block.kind:
            case "page":
                pdf.add_page()
            case "heading":
                pdf.ln(2)
                pdf.set_font("Helvetica", "B", 20 if block.level == 1 else 13)
                pdf.multi_cell(0, 9, block.text, new_x="LMARGIN", new_y="NEXT")
                pdf.ln(2)
            case "table":
                _add_pdf_table(pdf, block)
            case _:
                mark = {"bullet": "\xb7 ", "number": f"{number}. "}.get(block.kind, "")
                pdf.set_font("Helvetica", size=10.5)
                pdf.multi_cell(0, 5.6, mark + block.text, align="L", new_x="LMARGIN", new_y="NEXT")
                pdf.ln(1 if mark else 3)
    return bytes(pdf.output())


def _add_pdf_table(pdf: FPDF, block: Block) -> None:
    pdf.set_font("Helvetica", size=10)
    widths = tuple(max(len(cell) for cell in column) for column in zip(*block.rows, strict=True))
    bold = FontFace(emphasis="BOLD")
    with pdf.table(col_widths=widths, headings_style=bold, text_align="LEFT", line_height=6) as table:
        for cells in block.rows:
            row = table.row()
            for cell in cells:
                row.cell(cell)
    pdf.ln(4)


def write_docx(blocks: list[Block]) -> bytes:
    """Return a Word document with real headings, lists and tables."""
    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.comments, about.revision = blocks[0].text, AUTHOR, "", 1
    about.created = about.modified = WRITTEN
    for block in blocks:
        match block.kind:
            case "heading":
                document.add_heading(block.text, level=block.level)
            case "table":
                table = document.add_table(rows=0, cols=len(block.rows[0]), style="Light Grid Accent 1")
                for cells in block.rows:
                    for cell, text in zip(table.add_row().cells, cells, strict=True):
                        cell.text = text
                document.add_paragraph()
            case "page":
                document.add_page_break()
            case _:
                style = {"bullet": "List Bullet", "number": "List Number"}.get(block.kind, "Normal")
                document.add_paragraph(block.text, style=style)
    buffer = BytesIO()
    document.save(buffer)
    return _with_fixed_dates(buffer)


def write_xlsx(blocks: list[Block]) -> bytes:
    """Return a workbook: a sheet for each heading, a row for each paragraph and table row."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = blocks[0].text, AUTHOR
    book.properties.created = book.properties.modified = WRITTEN.replace(tzinfo=None)
    for block in blocks:
        if block.kind == "heading":
            sheet = book.create_sheet(block.text)
            sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 34, 48
        for position, cells in enumerate(block.rows):
            sheet.append([int(cell) if cell.isdecimal() else cell for cell in cells])
            for cell in sheet[sheet.max_row]:
                cell.font = Font(bold=position == 0)
                cell.alignment = Alignment(vertical="top", wrap_text=True)
        if block.kind == "paragraph":
            sheet.append([block.text])
    buffer = BytesIO()
    # save() would stamp the time of saving over the date set above.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        openpyxl.writer.excel.ExcelWriter(book, archive).write_data()
    return _with_fixed_dates(buffer)


def write_pptx(blocks: list[Block]) -> bytes:
    """Return a presentation: a slide for each heading, with its texts and tables below one another."""
    deck = Presentation()
    about = deck.core_properties
    about.title, about.author, about.revision = blocks[0].text, AUTHOR, 1
    about.created = about.modified = WRITTEN
    about.last_modified_by = AUTHOR
    title_only = deck.slide_layouts[5]
    for block in blocks:
        if block.kind == "heading":
            slide, below = deck.slides.add_slide(title_only), 4.0
            slide.shapes.title.text = block.text
        elif block.kind == "table":
            below = _add_slide_table(slide, block, below)
        else:
            below = _add_slide_text(slide, block, below)
    buffer = BytesIO()
    deck.save(buffer)
    return _with_fixed_dates(buffer)


def _add_slide_table(slide: Slide, block: Block, below: float) -> float:
    """Add a table `below` centimetres from the top and return where the next block starts."""
    height = 0.9 * len(block.rows)
    frame = slide.shapes.add_table(len(block.rows), len(block.rows[0]), Cm(2), Cm(below), Cm(21), Cm(height))
    for row, cells in zip(frame.table.rows, block.rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
            cell.text_frame.paragraphs[0].font.size = Pt(14)
    return below + height + 0.5


def _add_slide_text(slide: Slide, block: Block, below: float) -> float:
    """Add a paragraph or list item `below` centimetres from the top; return where the next block starts."""
    height = 0.7 * (1 + len(block.text) // 80)
    box = slide.shapes.add_textbox(Cm(2), Cm(below), Cm(21), Cm(height))
    box.text_frame.word_wrap = True
    box.text_frame.text = f"\u2022 {block.text}" if block.kind == "bullet" else block.text
    box.text_frame.paragraphs[0].font.size = Pt(14)
    return below + height + 0.3


def _with_fixed_dates(archive: BytesIO) -> bytes:
    """Return the same archive with every member dated 1 January 1980."""
    buffer = BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return buffer.getvalue()


WRITERS: dict[str, Callable[[list[Block]], bytes]] = {
    ".pdf": write_pdf,
    ".docx": write_docx,
    ".pptx": write_pptx,
    ".xlsx": write_xlsx,
}


def build(folder: Path) -> list[Path]:
    """Write every source's document under `folder` and return their paths."""
    written = []
    for source in sorted(SOURCES.rglob("*.md")):
        path = folder / source.relative_to(SOURCES).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(WRITERS[path.suffix](list(read_blocks(source.read_text(encoding="utf-8")))))
        written.append(path)
    return written


if __name__ == "__main__":
    for built in build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "documents"):
        sys.stdout.write(f"{built}: {built.stat().st_size:,} bytes\n")
