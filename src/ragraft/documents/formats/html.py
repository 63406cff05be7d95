"""HTML to Markdown: headings, paragraphs, lists, tables, code. Menus, scripts and forms are not text.

Read here rather than by kreuzberg 4.10, which writes the page's title as a heading, images as base64
and x to the power of 2 as "x2": see docs/decisions/parsing.md.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ragraft.documents.formats.extracted import Extracted, TextWriter
from ragraft.documents.formats.html_table import HtmlTable
from ragraft.documents.formats.plain import decode

__all__ = ["HtmlText", "read_html"]

_NOT_TEXT = {
    *("script", "style", "template", "noscript", "nav", "svg", "iframe", "object", "embed", "audio", "video"),
    *("canvas", "map", "select", "textarea", "button", "datalist", "head", "annotation", "annotation-xml"),
}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# Only these are skipped when hidden: they are always closed, so that skipping ends where it should.
_MAY_HIDE = {"div", "section", "span", "article", "aside", "ul", "ol", "table"}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLOCKS = {
    *(
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "footer",
        "aside",
        "body",
        "html",
        "form",
        "center",
    ),
    *("blockquote", "figure", "figcaption", "address", "dl", "dt", "dd", "fieldset", "legend", "details"),
    *("summary", "hr", "caption", "option", "hgroup", "dialog", "search"),
}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_TABLE = {"table", "tr", "td", "th"}
_DECLARED = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)


def read_html(content: bytes, *, max_characters: int) -> Extracted:
    """Return the text of a page as Markdown; its title, description, author and declared language beside it."""
    page = HtmlText(_decoded(content))
    writer = TextWriter(max_characters=max_characters)
    for block in page.blocks:
        writer.block(block)
    return writer.extracted(title=page.title, metadata=page.metadata)


class HtmlText(HTMLParser):
    """The blocks of Markdown that a page comes to.

    Works on the stream of tags, not on a tree: pages with tags left open read as far as they make sense.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.metadata: dict[str, str] = {}
        self._done: list[str] = []
        self._line: list[str] = []
        self._items: list[str] = []
        self._lists: list[int] = []
        self._mark = ""
        self._heading = 0
        self._quotes = 0
        self._in_pre = False
        self._in_title = False
        self._in_superscript = False
        self._skipped: list[str] = []
        self._tables: list[HtmlTable] = []
        self.feed(html)
        self.close()
        self._flush()
        while self._tables:
            self._end_table()
        self._end_items()
        self.blocks = self._done

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        # Pictures have titles too, and a title left open ends at the next tag.
        self._in_title = tag == "title" and not self.title and self._skipped in ([], ["head"])
        if tag == "meta" and said.get("name", "").lower() in {"description", "author"}:
            self.metadata[said["name"].lower()] = " ".join(said.get("content", "").split())
        elif tag == "html" and said.get("lang"):
            self.metadata["lang"] = said["lang"]
        # A page whose head is never closed still has a body.
        if tag == "body" and "head" in self._skipped:
            self._skipped = []
        if self._skipped:
            if tag == self._skipped[-1]:
                self._skipped.append(tag)
        elif _is_not_text(tag, said):
            self._skipped = [] if tag in _VOID else [tag]
        else:
            self._start(tag, said)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif self._skipped:
            if tag == self._skipped[-1]:
                self._skipped.pop()
        elif tag in _TABLE:
            self._end_of_table_part(tag)
        elif tag in {"ul", "ol"}:
            self._flush()
            del self._lists[-1:]
            if not self._lists:
                self._end_items()
        elif tag == "pre":
            self._end_pre()
        elif tag in _HEADINGS or tag in _BLOCKS or tag == "li":
            self._flush()
            self._quotes -= tag == "blockquote" and self._quotes > 0
        elif tag == "sup":
            self._in_superscript = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._skipped:
            if self._in_superscript and data[:1] in "0123456789+-\u2212" and self._line:
                # 10 to the power of 6 must not read as 106.
                self._line.append("^")
            self._in_superscript = False
            self._line.append(data if self._in_pre else re.sub(r"[ \t\n\r\f\xa0]+", " ", data))

    def _start(self, tag: str, said: dict[str, str]) -> None:
        if tag == "br":
            self._line.append("\n")
        elif tag == "img":
            self._line.append(f" {said['alt']} " if said.get("alt") else "")
        elif tag == "sup":
            self._in_superscript = True
        elif tag in _TABLE:
            self._flush()
            self._start_of_table_part(tag, said)
        elif tag in {"ul", "ol"}:
            self._flush()
            first = said.get("start", "1")
            self._lists.append(int(first) if tag == "ol" and first.isdecimal() else 1 if tag == "ol" else 0)
        elif tag == "li":
            self._flush()
            self._mark = self._next_mark()
        elif tag == "pre":
            self._flush()
            self._in_pre = True
        elif tag in _HEADINGS or tag in _BLOCKS:
            self._flush()
            self._heading = _HEADINGS.get(tag, 0)
            self._quotes += tag == "blockquote"

    def _next_mark(self) -> str:
        if not self._lists or self._lists[-1] == 0:
            return "-"
        self._lists[-1] += 1
        return f"{self._lists[-1] - 1}."

    def _flush(self) -> None:
        """End the current line of text and put it where it belongs."""
        text = "".join(self._line)
        self._line = []
        heading, self._heading = self._heading, 0
        if self._in_pre:
            return
        lines = [" ".join(line.split(" ")).strip() for line in re.sub(" +", " ", text).split("\n")]
        text = "\n".join(lines).strip()
        if not text:
            return
        if heading:
            self._block(f"{'#' * heading} {' '.join(text.split())}")
        elif self._lists:
            # Word after word of one item: a second paragraph of it is indented under its mark.
            mark, self._mark = self._mark, ""
            indent = "  " * (len(self._lists) - 1)
            self._items.append(f"{indent}{mark or ' '} {' '.join(text.split())}")
        else:
            self._block("\n".join(f"{'> ' * self._quotes}{line}" for line in text.split("\n")))

    def _block(self, text: str) -> None:
        self._end_items()
        if self._tables:
            self._tables[-1].add(text)
        else:
            self._done.append(text)

    def _end_items(self) -> None:
        items, self._items = self._items, []
        if items:
            self._block("\n".join(items))

    def _end_pre(self) -> None:
        text = "".join(self._line).strip("\n")
        self._line, self._in_pre = [], False
        fence = "```"
        while fence in text:
            fence += "`"
        if text.strip():
            self._block(f"{fence}\n{text}\n{fence}")

    def _start_of_table_part(self, tag: str, said: dict[str, str]) -> None:
        if tag == "table":
            self._end_items()
            self._tables.append(HtmlTable(lists=self._lists))
            self._lists = []
        elif self._tables and tag == "tr":
            self._end_items()
            self._tables[-1].start_row()
        elif self._tables:
            self._end_items()
            self._tables[-1].start_cell(columns=said.get("colspan", ""), rows=said.get("rowspan", ""))

    def _end_of_table_part(self, tag: str) -> None:
        self._flush()
        if self._tables and tag == "table":
            self._end_table()
        elif self._tables:
            self._end_items()

    def _end_table(self) -> None:
        self._end_items()
        table = self._tables.pop()
        self._lists = table.lists
        for block in table.blocks():
            self._block(block)


def _is_not_text(tag: str, said: dict[str, str]) -> bool:
    if tag in _NOT_TEXT or said.get("role") == "navigation":
        return tag not in {"body", "html", "main"}
    hidden = (
        "hidden" in said or said.get("aria-hidden") == "true" or _HIDDEN_STYLE.search(said.get("style", ""))
    )
    return bool(hidden) and tag in _MAY_HIDE


def _decoded(content: bytes) -> str:
    found = _DECLARED.search(content[:2048])
    return decode(content, declared=found[1].decode("ascii", "replace") if found else "").text
