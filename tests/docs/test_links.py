"""Links lead somewhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_pages import DOCS, ROOT, anchors, links, written_pages

ELSEWHERE = ("http://", "https://", "mailto:")


def faults(page: Path, *, root: Path = ROOT) -> list[str]:
    """Return the links of a page that lead to no file below `root` or to no heading."""
    found = []
    for target in links(page.read_text(encoding="utf-8")):
        if target.startswith(ELSEWHERE):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / unquote(name)).resolve() if name else page
        if not path.exists() or not path.is_relative_to(root):
            found.append(f"{target}: no such file")
        elif anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
            found.append(f"{target}: no such heading")
    return found


@pytest.mark.parametrize("page", written_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_page_resolves(page: Path) -> None:
    assert faults(page) == []


@pytest.mark.parametrize("target", ["absent.md", "page.md#absent", "#absent", "../outside"])
def test_a_link_to_nothing_is_found(tmp_path: Path, target: str) -> None:
    (tmp_path.parent / "outside").mkdir(exist_ok=True)
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n[words]({target})\n", encoding="utf-8")
    assert faults(page, root=tmp_path) != []


@pytest.mark.parametrize("target", ["page.md", "page.md#a-title-with-code", "#a-title-with-code"])
def test_a_link_to_a_heading_is_accepted(tmp_path: Path, target: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A title, with `code`\n\n[words]({target})\n", encoding="utf-8")
    assert faults(page, root=tmp_path) == []


def test_every_page_but_the_first_is_linked_from_another() -> None:
    pages = [page for page in written_pages() if page.is_relative_to(DOCS) and page.name != "index.md"]
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in written_pages()
        for target in links(page.read_text(encoding="utf-8"))
    }
    assert [str(page.relative_to(ROOT)) for page in pages if page not in linked] == []
